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
import { Empty, Loading, ProblemNote } from '../../components/Notes';
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

function columnsOf(a: TableRef, b: TableRef) {
  return [
    column.accessor('text', {
      header: 'Layer',
      size: 420,
      cell: c => (
        <Link href={tableAddress(a, 'rows', { layer: c.row.original.a.text })}>
          <LayerText text={c.getValue()} />
        </Link>
      ),
    }),
    column.accessor(p => p.a.latency, {
      id: 'a',
      header: `${refText(a)} ms`,
      size: 200,
      meta: { numeric: true },
      cell: c => ms(c.getValue()),
    }),
    column.accessor(p => p.b.latency, {
      id: 'b',
      header: `${refText(b)} ms`,
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

function scatterOption(colours: ChartColours, pairs: Pair[], a: TableRef, b: TableRef) {
  const all = pairs.flatMap(p => [p.a.latency, p.b.latency]);
  const [least, most] = [Math.min(...all) / 1.2, Math.max(...all) * 1.2];
  const colour: Record<Verdict, string | undefined> = {
    faster: colours.series[2],
    slower: colours.series[1],
    same: colours.series[5],
    unknown: colours.series[0],
  };
  const axis = {
    type: 'log',
    min: least,
    max: most,
    axisLabel: {
      formatter: (v: number) => String(Number(v.toPrecision(2))),
      hideOverlap: true,
      showMinLabel: false,
      showMaxLabel: false,
    },
    minorSplitLine: { show: false },
  };
  return {
    legend: { top: 0, type: 'scroll' },
    grid: { left: 64, right: 20, top: 36, bottom: 48 },
    xAxis: { ...axis, name: `${refText(a)}, ms`, nameLocation: 'middle', nameGap: 30 },
    yAxis: { ...axis, name: `${refText(b)}, ms`, nameLocation: 'middle', nameGap: 48 },
    tooltip: {
      formatter: (at: { data: [number, number, string] }) =>
        `${at.data[2]}\n${ms(at.data[0])} and ${ms(at.data[1])} ms: ${ratio(at.data[1] / at.data[0])}`,
    },
    series: (Object.keys(WORDS) as Verdict[])
      .map((v, i) => ({
        type: 'scatter',
        name: WORDS[v],
        symbolSize: 6,
        symbol: v === 'slower' ? 'triangle' : v === 'faster' ? 'diamond' : 'circle',
        large: pairs.length > 5000,
        itemStyle: { color: colour[v], opacity: 0.8 },
        data: pairs.filter(p => verdict(p) === v).map(p => [p.a.latency, p.b.latency, p.text]),
        markLine:
          i === 0
            ? {
                silent: true,
                animation: false,
                symbol: 'none',
                label: { show: false },
                lineStyle: { color: colours.dim, type: 'solid' },
                data: [[{ coord: [least, least] }, { coord: [most, most] }]],
              }
            : undefined,
      }))
      .filter((s, i) => i === 0 || s.data.length > 0),
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
    <dl className="facts">
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
  const [keyA, keyB] = [refText(a), refText(b)];
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the texts say all of them
  const columns = useMemo(() => columnsOf(a, b), [keyA, keyB]);
  const option = useCallback(
    (colours: ChartColours) => scatterOption(colours, found?.pairs ?? [], a, b),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the texts say all of them
    [found, keyA, keyB],
  );
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
      <section className="card">
        <Chart
          option={option}
          label={`Latencies of ${found.pairs.length} rows in both tables; figures below`}
          height={380}
        />
      </section>
      <label className="filter-check">
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
      <div className="filters">
        <label className="filter">
          <span>Beside</span>
          <select
            value={value}
            onChange={e =>
              setSearch(now => {
                const next = new URLSearchParams(now);
                next.set('with', e.target.value);
                return next;
              })
            }
          >
            {value === '' && <option value="">choose…</option>}
            {known.map(ref => (
              <option key={ref}>{ref}</option>
            ))}
          </select>
        </label>
        {other && (
          <Link href={tableAddress(other, 'compare', { with: here })} className="swap">
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
