// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback, useMemo, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { createColumnHelper } from '@tanstack/react-table';
import { Link, useSearchParams } from 'wouter';
import { tablesQuery } from '../../api/queries';
import { Chart } from '../../components/Chart';
import type { ChartColours } from '../../components/chartTheme';
import { DataTable } from '../../components/DataTable';
import { count, fixed, ms } from '../../components/format';
import { LayerText } from '../../components/LayerText';
import { SelectField } from '../../components/Field';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { unitOf } from '../../components/unit';
import { parseRef, refText, tableAddress } from './address';
import type { Comparison, Pair } from './compare';
import { compareTables } from './compare';
import type { TableDetail, TableRef } from './queries';
import { rowsQuery, tableId } from './queries';

const ratio = (value: number) => `${fixed(value, value < 10 ? 3 : 1)}×`;

const WORDS = { same: 'within noise', faster: 'faster', slower: 'slower', unknown: 'no interval' };
type Verdict = keyof typeof WORDS;

function verdict(pair: Pair): Verdict {
  if (pair.significant === null) return 'unknown';
  if (!pair.significant) return 'same';
  return pair.ratio < 1 ? 'faster' : 'slower';
}

const column = createColumnHelper<Pair>();

/** @param names of the two, with their units. */
function columnsOf(a: TableRef, names: [string, string]) {
  return [
    column.accessor('text', {
      header: 'Layer',
      size: 420,
      cell: c => (
        <Link href={tableAddress(a, 'rows', { layer: c.row.original.a.text })} tabIndex={-1}>
          <LayerText text={c.getValue()} />
        </Link>
      ),
    }),
    column.accessor(p => p.a.latency, {
      id: 'a',
      header: names[0],
      size: 200,
      meta: { numeric: true },
      cell: c => ms(c.getValue()),
    }),
    column.accessor(p => p.b.latency, {
      id: 'b',
      header: names[1],
      size: 200,
      meta: { numeric: true },
      cell: c => ms(c.getValue()),
    }),
    column.accessor('ratio', {
      header: 'Ratio',
      size: 100,
      meta: { numeric: true },
      cell: c => ratio(c.getValue()),
    }),
    column.accessor(p => verdict(p), {
      id: 'verdict',
      header: 'The second is',
      size: 140,
      cell: c => <span data-verdict={c.getValue()}>{WORDS[c.getValue()]}</span>,
    }),
  ];
}

const SYMBOLS: Record<Verdict, string> = { same: 'circle', faster: 'diamond', slower: 'triangle', unknown: 'circle' };

/** A series for each verdict, in its colour and shape. @param point where a pair lies. */
function verdictSeries(colours: ChartColours, pairs: Pair[], point: (p: Pair) => [number, number], line: unknown[]) {
  const [unknown, slower, faster, , , same] = colours.series;
  const colour = { unknown, slower, faster, same };
  const mark = {
    silent: true,
    animation: false,
    symbol: 'none',
    precision: 12,
    label: { show: false },
    lineStyle: { color: colours.dim, type: 'solid' },
    data: line,
  };
  return (Object.keys(WORDS) as Verdict[])
    .map((v, i) => ({
      type: 'scatter',
      name: WORDS[v],
      symbolSize: 6,
      symbol: SYMBOLS[v],
      itemStyle: { color: colour[v], opacity: 0.8 },
      data: pairs.filter(p => verdict(p) === v).map(p => [...point(p), p.text, p.a.latency, p.b.latency]),
      markLine: i === 0 ? mark : undefined,
    }))
    .filter((s, i) => i === 0 || s.data.length > 0);
}

const leastOf = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
const mostOf = (values: number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
const short = (v: number) => String(Number(v.toPrecision(2)));
const axisOf = (least: number, most: number) => ({
  type: 'log',
  min: least,
  max: most,
  axisLabel: { formatter: short, hideOverlap: true, showMinLabel: false, showMaxLabel: false },
  nameLocation: 'middle',
});
const tooltip = {
  formatter: (at: { data: [number, number, string, number, number] }) =>
    `${at.data[2]}\n${ms(at.data[3])} and ${ms(at.data[4])}: ${ratio(at.data[4] / at.data[3])}`,
};
const frame = { legend: { top: 0, type: 'scroll' }, grid: { left: 64, right: 20, top: 36, bottom: 48 }, tooltip };

function scatterOption(colours: ChartColours, pairs: Pair[], a: string, b: string) {
  const all = pairs.flatMap(p => [p.a.latency, p.b.latency]);
  const [least, most] = [leastOf(all) / 1.2, mostOf(all) * 1.2];
  const diagonal = [[{ coord: [least, least] }, { coord: [most, most] }]];
  return {
    ...frame,
    xAxis: { ...axisOf(least, most), name: a, nameGap: 30 },
    yAxis: { ...axisOf(least, most), name: b, nameGap: 44 },
    series: verdictSeries(colours, pairs, p => [p.a.latency, p.b.latency], diagonal),
  };
}

function ratioOption(colours: ChartColours, pairs: Pair[], a: string) {
  const times = pairs.map(p => p.a.latency);
  const far = Math.max(...[leastOf, mostOf].map(f => Math.abs(Math.log(f(pairs.map(p => p.ratio)))))) || 0.1;
  const edge = Math.exp(far * 1.1);
  return {
    ...frame,
    xAxis: { ...axisOf(leastOf(times) / 1.2, mostOf(times) * 1.2), name: a, nameGap: 30 },
    yAxis: {
      ...axisOf(1 / edge, edge),
      logBase: edge > 4 ? 2 : edge ** 0.5,
      axisLabel: {
        formatter: (v: number) => `${short(v)}×`,
        hideOverlap: true,
        showMinLabel: false,
        showMaxLabel: false,
      },
      name: 'ratio',
      nameGap: 44,
    },
    series: verdictSeries(colours, pairs, p => [p.a.latency, p.ratio], [{ yAxis: 1 }]),
  };
}

function Summary({ found }: { found: Comparison }) {
  const { ratios } = found;
  const facts: [string, string, string][] = [
    [
      'Median ratio',
      ratios ? ratio(ratios.median) : '–',
      ratios ? `80 % of rows: ${ratio(ratios.low)} to ${ratio(ratios.high)}` : '',
    ],
    ['Faster', count(found.faster), 'rows of the second, intervals apart'],
    ['Slower', count(found.slower), 'rows of the second, intervals apart'],
    [
      'Within noise',
      count(found.pairs.length - found.faster - found.slower - found.unsure),
      found.unsure > 0 ? `${count(found.unsure)} more without interval` : '95 % intervals overlap',
    ],
    [
      'Only in one',
      count(found.onlyA.length + found.onlyB.length),
      `${count(found.onlyA.length)} in the first, ${count(found.onlyB.length)} in the second`,
    ],
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

function Both({ a, b }: { a: TableRef; b: TableRef }) {
  const rowsA = useQuery(rowsQuery(a));
  const rowsB = useQuery(rowsQuery(b));
  const [sure, setSure] = useState(false);
  const found = useMemo(
    () => (rowsA.data && rowsB.data ? compareTables(rowsA.data, rowsB.data) : null),
    [rowsA.data, rowsB.data],
  );
  const tables = useQuery(tablesQuery);
  const nameOf = (ref: TableRef) => {
    const clock = tables.data?.find(t => tableId(t) === tableId(ref))?.clock;
    return `${refText(ref)}, ${unitOf(clock)}`;
  };
  const [keyA, keyB] = [nameOf(a), nameOf(b)];
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the texts say all of them
  const columns = useMemo(() => columnsOf(a, [keyA, keyB]), [keyA, keyB]);
  const pairs = found?.pairs;
  const scatter = useCallback(
    (colours: ChartColours) => scatterOption(colours, pairs ?? [], keyA, keyB),
    [pairs, keyA, keyB],
  );
  const ratios = useCallback((colours: ChartColours) => ratioOption(colours, pairs ?? [], keyA), [pairs, keyA]);
  const keep = useCallback((p: Pair) => !sure || p.significant === true, [sure]);
  const failed = rowsA.error ?? rowsB.error;
  if (failed) return <ProblemNote error={failed} />;
  if (!found) return <Loading what="both tables" />;
  if (found.pairs.length === 0)
    return (
      <Empty title="The two have no row in common">
        <p>Rows meet by their layers: these are tables of different spaces or resolutions.</p>
      </Empty>
    );
  return (
    <>
      <Summary found={found} />
      <div className="chart-pair">
        <section className="card">
          <h2>Ratio by latency</h2>
          <Chart option={ratios} label={`Ratio of ${found.pairs.length} rows by latency; figures below`} height={340} />
        </section>
        <section className="card">
          <h2>One against the other</h2>
          <Chart option={scatter} label={`${found.pairs.length} rows in both tables; figures below`} height={340} />
        </section>
      </div>
      <label className="row-filter-check">
        <input type="checkbox" checked={sure} onChange={e => setSure(e.target.checked)} />
        significant differences only
      </label>
      <DataTable
        data={found.pairs}
        columns={columns}
        keep={keep}
        label="Rows in both"
        rowId={p => `${p.a.text} ${p.b.text}`}
      />
    </>
  );
}

/** This table beside another, or beside another of its versions. */
export function CompareView({ table, detail }: { table: TableRef; detail: TableDetail }) {
  const [search, setSearch] = useSearchParams();
  const tables = useQuery(tablesQuery);
  const other = parseRef(search.get('with'));
  const here = refText(table);
  const versions = detail.versions
    .map((v, i) => refText({ ...table, version: i === 0 ? null : v.version }))
    .filter(ref => ref !== here);
  const others = (tables.data ?? []).filter(t => tableId(t) !== tableId(table)).map(tableId);
  const value = other ? refText(other) : '';
  const known = [...new Set([...others, ...versions, ...(value === '' ? [] : [value])])];
  if (tables.isPending) return <Loading what="tables" />;
  if (tables.isError) return <ProblemNote error={tables.error} retry={() => void tables.refetch()} />;
  if (known.length === 0)
    return (
      <Empty title="There is no other table">
        <p>Another config, device or version can be put beside this one when there is one.</p>
      </Empty>
    );
  return (
    <div className="stack">
      <div className="row-filters">
        <SelectField
          label="Beside"
          value={value}
          onChange={chosen =>
            setSearch(now => {
              const next = new URLSearchParams(now);
              next.set('with', chosen);
              return next;
            })
          }
        >
          {' '}
          {value === '' && <option value="">choose…</option>}
          {known.map(ref => (
            <option key={ref}>{ref}</option>
          ))}
        </SelectField>
        {other && (
          <Link href={tableAddress(other, 'compare', { with: here })} className="compare-swap">
            Swap the two
          </Link>
        )}
      </div>
      {other ? (
        <Both key={`${here} ${value}`} a={table} b={other} />
      ) : (
        <Empty title="Choose a table to put beside this one" />
      )}
    </div>
  );
}
