// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback, useDeferredValue, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { useQuery } from '@tanstack/react-query';
import { createColumnHelper } from '@tanstack/react-table';
import { useSearchParams } from 'wouter';
import { spacesQuery } from '../../api/queries';
import { DataTable } from '../../components/DataTable';
import { Field, SelectField } from '../../components/Field';
import { count, ms, percent } from '../../components/format';
import { kindName } from '../../components/layer';
import { LayerText } from '../../components/LayerText';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { useUnit } from '../../components/unit';
import type { Filter, Options, PlacedRow } from './filter';
import { NO_FILTER, isFiltered, optionsOf, partRank, readFilter, tester, writeFilter } from './filter';
import { LayerPanel } from './LayerPanel';
import { placeText } from './places';
import type { TableDetail, TableRef } from './queries';
import { usePlacedRows, useTableSpace } from './useTable';

const ADDRESS_AFTER_MS = 300;

/** Filters of the rows, kept in the address, too. */
function useFilter() {
  const [search, setSearch] = useSearchParams();
  const [filter, setFilter] = useState(() => readFilter(search));
  useEffect(() => {
    const timer = setTimeout(() => {
      setSearch(
        now => {
          const next = new URLSearchParams(now);
          writeFilter(next, filter);
          return next;
        },
        { replace: true },
      );
    }, ADDRESS_AFTER_MS);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- setSearch is another function after each change of it
  }, [filter]);
  return [filter, setFilter] as const;
}

/** 1 for each row that fits, and how many do. */
function testAll(rows: PlacedRow[], test: (row: PlacedRow) => boolean): [Uint8Array, number] {
  const fits = new Uint8Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (!row || !test(row)) continue;
    fits[i] = 1;
    count++;
  }
  return [fits, count];
}

const narrowScreen = window.matchMedia('(max-width: 640px)');

function useNarrow(): boolean {
  return useSyncExternalStore(
    tell => {
      narrowScreen.addEventListener('change', tell);
      return () => narrowScreen.removeEventListener('change', tell);
    },
    () => narrowScreen.matches,
  );
}

function Choice(props: {
  label: string;
  value: string;
  options: (string | readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}) {
  return (
    <SelectField label={props.label} value={props.value} onChange={props.onChange}>
      <option value="">any</option>
      {props.options.map(option => {
        const [value, text] = typeof option === 'string' ? [option, option] : option;
        return (
          <option key={value} value={value}>
            {text}
          </option>
        );
      })}
    </SelectField>
  );
}

function SpaceChoice({ value, onChange }: { value: string | null; onChange: (space: string) => void }) {
  const spaces = useQuery(spacesQuery);
  return (
    <SelectField label="Space" value={value ?? ''} onChange={onChange}>
      {value === null && <option value="">none</option>}
      {spaces.data?.map(s => (
        <option key={s.id} value={s.id}>
          {s.id}
        </option>
      ))}
    </SelectField>
  );
}

function Filters(props: {
  filter: Filter;
  set: (filter: Filter) => void;
  options: Options;
  doubts: number;
  space: string | null;
  setSpace: (space: string) => void;
}) {
  const { filter, set, options } = props;
  const change = (name: keyof Filter) => (value: string) => set({ ...filter, [name]: value });
  const parts = options.strangers && options.parts.length > 0 ? [['none', 'in none of it'] as const] : [];
  return (
    <form className="row-filters" role="search" aria-label="Rows" onSubmit={e => e.preventDefault()}>
      <Field label="Text" type="search" value={filter.q} placeholder="40x40 k=7 se" onChange={change('q')} />
      <Choice
        label="Kind"
        value={filter.kind}
        options={options.kinds.map(k => [k, kindName(k)] as const)}
        onChange={change('kind')}
      />
      <Choice label="Stage" value={filter.part} options={[...options.parts, ...parts]} onChange={change('part')} />
      <Choice
        label="Kernel"
        value={filter.kernel}
        options={options.kernels.map(k => [String(k), `${k}×${k}`] as const)}
        onChange={change('kernel')}
      />
      <Choice label="Expand" value={filter.expand} options={options.expands.map(String)} onChange={change('expand')} />
      <Choice
        label="Resolution"
        value={filter.resolution}
        options={options.resolutions.map(String)}
        onChange={change('resolution')}
      />
      {(props.doubts > 0 || filter.doubt !== '') && (
        <label className="row-filter-check">
          <input
            type="checkbox"
            checked={filter.doubt !== ''}
            onChange={e => change('doubt')(e.target.checked ? '1' : '')}
          />
          implausible only ({count(props.doubts)})
        </label>
      )}
      {isFiltered(filter) && (
        <button type="button" className="quiet" onClick={() => set(NO_FILTER)}>
          Clear
        </button>
      )}
      <SpaceChoice value={props.space} onChange={props.setSpace} />
    </form>
  );
}

const column = createColumnHelper<PlacedRow>();

function columnsOf(open: (layer: string) => void, narrow: boolean, unit: string) {
  return [
    column.accessor('text', {
      header: 'Layer',
      size: narrow ? 240 : 500,
      cell: c => (
        <button
          type="button"
          tabIndex={-1}
          className="row-link"
          onClick={e => {
            e.stopPropagation();
            open(c.row.original.text);
          }}
        >
          <LayerText text={c.getValue()} />
        </button>
      ),
    }),
    column.accessor('latency', {
      header: `Latency ${unit}`,
      size: 116,
      meta: { numeric: true },
      cell: c => ms(c.getValue()),
    }),
    column.accessor(r => (r.ci === null ? null : r.ci / r.latency), {
      id: 'ci',
      header: '± 95 %',
      size: 90,
      meta: { numeric: true },
      cell: c => percent(c.getValue()),
    }),
    column.accessor(
      r => (r.places[0] ? partRank(r.places[0].place.part) * 2 + (r.places[0].place.first ? 0 : 1) : null),
      {
        id: 'stage',
        header: 'Stage',
        size: 170,
        cell: c => placeText(c.row.original.places) || <span className="dim">none</span>,
      },
    ),
    column.accessor(r => r.places[0]?.place.expand ?? null, {
      id: 'expand',
      header: 'Expand',
      size: 86,
      meta: { numeric: true },
      cell: c => (c.getValue() === null ? '' : `${c.getValue()}`),
    }),
    column.accessor('p90', { header: `p90 ${unit}`, size: 100, meta: { numeric: true }, cell: c => ms(c.getValue()) }),
    column.accessor('count', { header: 'Samples', size: 96, meta: { numeric: true }, cell: c => count(c.getValue()) }),
    column.accessor('contexts', {
      header: 'Contexts',
      size: 96,
      meta: { numeric: true },
      cell: c => (c.row.original.alone ? 'alone' : count(c.getValue())),
    }),
    column.accessor(r => r.doubt?.kinds ?? null, {
      id: 'doubt',
      header: 'Doubt',
      size: 110,
      cell: c => {
        const { doubt } = c.row.original;
        return (
          doubt && (
            <span className="doubt" title={doubt.detail}>
              {doubt.kinds}
            </span>
          )
        );
      },
    }),
  ];
}

const rowId = (row: PlacedRow) => row.text;

export function RowsView({ table, detail }: { table: TableRef; detail: TableDetail }) {
  const [search, setSearch] = useSearchParams();
  const [filter, setFilter] = useFilter();
  const space = useTableSpace(table, search.get('space'));
  const { rows, placed, map } = usePlacedRows(table, space);
  const layer = search.get('layer');
  const narrow = useNarrow();
  const show = useCallback(
    (name: 'layer' | 'space', value: string | null) =>
      setSearch(now => {
        const next = new URLSearchParams(now);
        if (value === null) next.delete(name);
        else next.set(name, value);
        return next;
      }),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- setSearch is another function after each change of it
    [],
  );
  const unit = useUnit();
  const columns = useMemo(() => columnsOf(text => show('layer', text), narrow, unit), [show, narrow, unit]);
  // What is typed shows at once; the rows follow.
  const settled = useDeferredValue(filter);
  // Each row is tested once; the table and the count ask for the outcome.
  const [fits, kept] = useMemo(() => testAll(placed ?? [], tester(settled)), [placed, settled]);
  const keep = useCallback((row: PlacedRow) => fits[row.index] === 1, [fits]);
  const options = useMemo(() => optionsOf(placed ?? []), [placed]);
  const doubts = useMemo(() => placed?.filter(r => r.doubt !== null).length ?? 0, [placed]);
  if (rows.isError) return <ProblemNote error={rows.error} retry={() => void rows.refetch()} />;
  if (!placed) return <Loading what="rows" />;
  if (placed.length === 0) return <Empty title="This version has no rows" />;
  const picked = layer === null ? undefined : placed.find(r => r.text === layer);
  return (
    <div className="rows-view" data-open={layer !== null}>
      <div className="rows-main">
        <Filters
          filter={filter}
          set={setFilter}
          options={options}
          doubts={doubts}
          space={space ?? null}
          setSpace={id => show('space', id)}
        />
        <p className="rows-count dim" role="status">
          {kept === placed.length ? `${count(placed.length)} rows` : `${count(kept)} of ${count(placed.length)} rows`}
          {map.isError && '. Stages are not known: the space could not be read.'}
          {space === null && '. No space of the catalog has these rows: they belong to no stage.'}
        </p>
        {kept === 0 ? (
          <Empty title="No row fits">
            <button type="button" onClick={() => setFilter(NO_FILTER)}>
              Clear the filter
            </button>
          </Empty>
        ) : (
          <DataTable
            key={narrow ? 'narrow' : 'wide'}
            data={placed}
            keep={keep}
            columns={columns}
            label={`Rows of ${table.device}/${table.config}`}
            rowId={rowId}
            tall={narrow}
            height="calc(100vh - 290px)"
            selected={layer}
            onSelect={row => show('layer', row.text)}
          />
        )}
      </div>
      {layer !== null && (
        <LayerPanel
          key={layer}
          table={table}
          detail={detail}
          layer={layer}
          row={picked}
          onClose={() => show('layer', null)}
        />
      )}
    </div>
  );
}
