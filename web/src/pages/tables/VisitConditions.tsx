// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback } from 'react';
import { Chart } from '../../components/Chart';
import type { ChartColours } from '../../components/chartTheme';
import { fixed, ms, percent } from '../../components/format';
import { useUnit } from '../../components/unit';
import { spreadOf } from './histogram';
import type { SampleVisit } from './queries';

/** What the device was like over the visits: the sentinel's time, clock, temperature, load. */
export function VisitConditions({ visits, reference }: { visits: SampleVisit[]; reference: number | null }) {
  const unit = useUnit();
  const option = useCallback(
    (colours: ChartColours) => ({
      grid: { left: 52, right: 12, top: 12, bottom: 40 },
      xAxis: {
        type: 'value',
        name: 'visit',
        nameLocation: 'middle',
        nameGap: 24,
        min: 1,
        max: Math.max(2, visits.length),
        minInterval: 1,
      },
      yAxis: { type: 'value', scale: true, axisLabel: { formatter: (v: number) => `${v.toFixed(2)}×` } },
      tooltip: {
        trigger: 'axis',
        formatter: (at: { value: [number, number] }[]) => {
          const [n, speed] = at[0]?.value ?? [0, 0];
          return `visit ${visits[n - 1]?.source ?? n}\nsentinel ${speed.toFixed(3)}× its reference`;
        },
      },
      series: [
        {
          type: 'line',
          symbolSize: 4,
          lineStyle: { width: 1.5 },
          data: visits.flatMap((v, i) =>
            v.sentinel_ns !== null && reference ? [[i + 1, v.sentinel_ns / reference]] : [],
          ),
          markLine: {
            silent: true,
            symbol: 'none',
            precision: 12,
            label: { show: false },
            lineStyle: { color: colours.dim, type: 'dashed' },
            data: [{ yAxis: 1 }],
          },
        },
      ],
    }),
    [visits, reference],
  );
  const lines: [string, ReturnType<typeof spreadOf>, (v: number) => string][] = [
    ['Sentinel', spreadOf(visits.map(v => v.sentinel_ns)), v => `${ms(v / 1e6)} ${unit}`],
    ['Sentinel, CPU time', spreadOf(visits.map(v => v.sentinel_cpu_ns)), v => `${ms(v / 1e6)} ${unit}`],
    ['Clock', spreadOf(visits.map(v => v.khz)), v => `${fixed(v / 1e6, 2)} GHz`],
    ['Temperature', spreadOf(visits.map(v => v.temperature_c)), v => `${fixed(v, 0)} °C`],
    ['Load of others', spreadOf(visits.map(v => v.load)), v => percent(v, 0)],
  ];
  const told = visits.some(v => v.sentinel_ns !== null) && reference !== null;
  return (
    <>
      {told && <Chart option={option} label="The sentinel's time over its reference, by visit" height={150} />}
      <table className="mini-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">What</span>
            </th>
            <th scope="col">least</th>
            <th scope="col">median</th>
            <th scope="col">most</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(([name, spread, text]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {spread ? (
                [spread.least, spread.median, spread.most].map((v, i) => <td key={i}>{text(v)}</td>)
              ) : (
                <td colSpan={3} className="dim">
                  not known
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {told && (
        <p className="dim">
          The sentinel is one network, run every few tenths of a second: samples are divided by how far it is from its
          reference ({ms(reference / 1e6)} {unit}), which takes the device’s drift out.
        </p>
      )}
    </>
  );
}
