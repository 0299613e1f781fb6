// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback } from 'react';
import { Chart } from '../../components/Chart';
import type { ChartColours } from '../../components/chartTheme';
import { count, dateTime, ms } from '../../components/format';
import { useUnit } from '../../components/unit';
import type { HistoryEntry } from './queries';

/** A row over the table's versions; a band is the 95% interval. @param entries newest first. */
export function LayerHistory({ entries }: { entries: HistoryEntry[] }) {
  const unit = useUnit();
  const option = useCallback(
    (colours: ChartColours) => {
      const old = [...entries].reverse();
      const band = (sign: number, extra: object) => ({
        type: 'line',
        stack: 'band',
        symbol: 'none',
        silent: true,
        lineStyle: { opacity: 0 },
        data: old.map(e => (sign < 0 ? e.latency_ms - (e.ci_ms ?? 0) : 2 * (e.ci_ms ?? 0))),
        ...extra,
      });
      return {
        grid: { left: 56, right: 12, top: 12, bottom: 28 },
        xAxis: { type: 'category', data: old.map(e => `v${e.version}`), boundaryGap: true },
        yAxis: { type: 'value', scale: true },
        tooltip: {
          trigger: 'axis',
          formatter: (at: { dataIndex: number }[]) => {
            const e = old[at[0]?.dataIndex ?? 0];
            return e ? `version ${e.version}\n${ms(e.latency_ms)} ${unit} ± ${ms(e.ci_ms)}` : '';
          },
        },
        series: [
          band(-1, {}),
          band(1, { areaStyle: { color: colours.series[0], opacity: 0.18 } }),
          { type: 'line', symbolSize: 6, data: old.map(e => e.latency_ms), color: colours.series[0] },
        ],
      };
    },
    [entries, unit],
  );
  return (
    <>
      {entries.length > 1 && (
        <Chart option={option} label={`Latency in ${entries.length} versions of the table`} height={150} />
      )}
      <table className="mini-table">
        <thead>
          <tr>
            <th scope="col">version</th>
            <th scope="col">{unit}</th>
            <th scope="col">± 95 %</th>
            <th scope="col">samples</th>
            <th scope="col">when</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(e => (
            <tr key={e.version}>
              <th scope="row">
                {e.version} <span className="dim">{e.origin}</span>
              </th>
              <td>{ms(e.latency_ms)}</td>
              <td>{ms(e.ci_ms)}</td>
              <td>{count(e.count)}</td>
              <td>{e.updated ? dateTime(Date.parse(e.updated)).slice(0, 16) : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
