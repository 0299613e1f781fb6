// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback, useMemo } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { Chart } from '../../components/Chart';
import type { ChartColours } from '../../components/chartTheme';
import { fixed, ms, percent } from '../../components/format';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { useUnit } from '../../components/unit';
import { ProfileButton } from './ProfileButton';
import type { TableDetail, TableRef, TrustReport } from './queries';
import { trustQuery } from './queries';
import { useTableSpace } from './useTable';

type HeldOut = TrustReport['held_out'][number];

const error = (h: HeldOut) => h.predicted_ms / h.measured_ms - 1;
const signed = (share: number) => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;

function scatterOption(colours: ChartColours, held: HeldOut[], unit: string) {
  const all = held.flatMap(h => [h.predicted_ms, h.measured_ms - (h.ci_ms ?? 0), h.measured_ms + (h.ci_ms ?? 0)]);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = (most - least) * 0.06 || most * 0.05;
  const range = [Math.max(0, least - room), most + room] as const;
  const axis = {
    type: 'value',
    min: range[0],
    max: range[1],
    axisLabel: { formatter: (v: number) => String(Number(v.toPrecision(3))), showMinLabel: false, showMaxLabel: false },
  };
  return {
    grid: { left: 64, right: 20, top: 16, bottom: 48 },
    xAxis: { ...axis, name: `measured ${unit}`, nameLocation: 'middle', nameGap: 30 },
    yAxis: { ...axis, name: `predicted ${unit}`, nameLocation: 'middle', nameGap: 44 },
    tooltip: {
      formatter: (at: { dataIndex: number }) => {
        const h = held[at.dataIndex];
        return h
          ? `measured ${ms(h.measured_ms)} ${unit} ± ${ms(h.ci_ms)}\npredicted ${ms(h.predicted_ms)} ${unit}, ${signed(error(h))}\nnetwork ${h.context}`
          : '';
      },
    },
    series: [
      {
        type: 'scatter',
        symbolSize: 9,
        data: held.map(h => [h.measured_ms, h.predicted_ms]),
        markLine: {
          silent: true,
          animation: false,
          symbol: 'none',
          precision: 12,
          label: { show: false },
          lineStyle: { color: colours.dim, type: 'solid' },
          data: [[{ coord: [range[0], range[0]] }, { coord: [range[1], range[1]] }]],
        },
      },
      {
        type: 'custom',
        silent: true,
        data: held.map(h => [h.measured_ms, h.predicted_ms, h.ci_ms ?? 0]),
        renderItem: (_: unknown, draw: { value: (i: number) => number; coord: (p: number[]) => number[] }) => {
          const [x, y, ci] = [draw.value(0), draw.value(1), draw.value(2)];
          const [x1 = 0, y1 = 0] = draw.coord([x - ci, y]);
          const [x2 = 0] = draw.coord([x + ci, y]);
          return { type: 'line', shape: { x1, y1, x2, y2: y1 }, style: { stroke: colours.series[0], lineWidth: 1.5 } };
        },
      },
    ],
  };
}

function errorOption(colours: ChartColours, held: HeldOut[], unit: string) {
  const sorted = [...held].sort((a, b) => a.measured_ms - b.measured_ms);
  return {
    grid: { left: 56, right: 16, top: 16, bottom: 48 },
    xAxis: {
      type: 'category',
      data: sorted.map(h => ms(h.measured_ms)),
      name: `measured ${unit}`,
      nameLocation: 'middle',
      nameGap: 30,
    },
    yAxis: { type: 'value', axisLabel: { formatter: (v: number) => `${(v * 100).toFixed(1)} %` } },
    tooltip: {
      formatter: (at: { dataIndex: number }) => {
        const h = sorted[at.dataIndex];
        return h
          ? `${signed(error(h))}\nmeasured ${ms(h.measured_ms)} ${unit}, predicted ${ms(h.predicted_ms)} ${unit}`
          : '';
      },
    },
    series: [{ type: 'bar', barMaxWidth: 28, data: sorted.map(error), itemStyle: { color: colours.series[0] } }],
  };
}

function Facts({ trust }: { trust: TrustReport }) {
  const correction = trust.correction;
  const facts: [string, string, string][] = [
    [
      'Mean error',
      percent(trust.mape),
      `of ${trust.subnets} subnets that are in no row, each judged by a factor made without it`,
    ],
    ['Worst', percent(trust.worst), 'the largest of those errors'],
    ['Kendall’s tau', fixed(trust.tau, 2), '1: the table puts every two subnets in the right order'],
    [
      'Factor',
      fixed(trust.factor, 4),
      `what rows are multiplied by; without it the mean error is ${percent(trust.uncalibrated_mape)}`,
    ],
    [
      'Correction',
      correction === null ? 'none' : fixed(correction, 4),
      correction === null
        ? 'no verified search was made yet'
        : 'what verified subnets took over their predictions, a moving mean',
    ],
    ['CPU times', percent(trust.cpu_share, 0), 'of the samples, the core having been taken away'],
  ];
  return (
    <dl className="table-facts">
      {facts.map(([name, value, why]) => (
        <div key={name} className="card">
          <dt>{name}</dt>
          <dd>{value}</dd>
          <dd className="dim">{why}</dd>
        </div>
      ))}
    </dl>
  );
}

const columnsOf = (unit: string): ListColumn<HeldOut>[] => [
  { title: 'Subnet', cell: h => <code>{h.context}</code> },
  { title: `Predicted ${unit}`, cell: h => ms(h.predicted_ms), numeric: true },
  { title: `Measured ${unit}`, cell: h => ms(h.measured_ms), numeric: true },
  { title: `± 95 % ${unit}`, cell: h => ms(h.ci_ms), numeric: true },
  { title: 'Error', cell: h => signed(error(h)), numeric: true },
];

function Calibrate({ table }: { table: TableRef }) {
  const space = useTableSpace(table, null);
  if (!space) return null;
  return (
    <ProfileButton
      table={table}
      request={{ space, calibrate: true }}
      action="Calibrate"
      about="measures held-out subnets alone and makes factor and trust anew; rows stay"
    />
  );
}

/** How far the table's predictions of whole subnets can be trusted. */
export function TrustView({ table, detail }: { table: TableRef; detail: TableDetail }) {
  const known = detail.trust !== null;
  const unit = useUnit();
  const trust = useQuery({ ...trustQuery(table), enabled: known });
  const data = known ? trust.data : null;
  const held = useMemo(() => data?.held_out ?? [], [data]);
  const scatter = useCallback((colours: ChartColours) => scatterOption(colours, held, unit), [held, unit]);
  const errors = useCallback((colours: ChartColours) => errorOption(colours, held, unit), [held, unit]);
  if (known && trust.isPending) return <Loading what="trust" />;
  if (trust.isError) return <ProblemNote error={trust.error} retry={() => void trust.refetch()} />;
  if (!data)
    return (
      <Empty title="Nobody knows yet how far this table can be trusted">
        <p>No subnet was held out of it. Subnets timed end to end on the device would say how well its rows predict.</p>
        <Calibrate table={table} />
      </Empty>
    );
  return (
    <div className="stack">
      <div className="trust-head">
        <p>
          <State tone={data.trusted ? 'good' : 'bad'}>{data.trusted ? 'Can be trusted' : 'Doubtful'}</State>{' '}
          <span className="dim">
            found out <Time at={data.at} /> by <Link href={`/profiles/${data.profile}`}>{data.profile}</Link>
          </span>
        </p>
        <Calibrate table={table} />
      </div>
      {data.doubt && <p className="note-bad">{data.doubt}</p>}
      <Facts trust={data} />
      {held.length > 0 && (
        <div className="chart-pair">
          <section className="card">
            <h2>Predicted against measured</h2>
            <Chart
              option={scatter}
              label="Predicted against measured latency of held-out subnets; figures below"
              height={340}
            />
          </section>
          <section className="card">
            <h2>Error by latency</h2>
            <Chart
              option={errors}
              label="Error of each held-out subnet, the fastest first; figures below"
              height={340}
            />
          </section>
        </div>
      )}
      <RowList label="Held-out subnets" columns={columnsOf(unit)} items={held} rowId={h => h.context} />
    </div>
  );
}
