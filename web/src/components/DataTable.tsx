// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import { flexRender, getCoreRowModel, useReactTable } from '@tanstack/react-table';
import type { ColumnDef, Header, RowData, SortingState } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { sortRows } from './sortRows';

declare module '@tanstack/react-table' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the names are the library's
  interface ColumnMeta<TData extends RowData, TValue> {
    /** Figures: set to the right, with digits of one width. */
    numeric?: boolean;
  }
}

/** Heights of a row in CSS pixels: of one line, and of two; styles/components.css has the same (--row). */
const ROW = 32;
const TALL_ROW = 48;

/** What a column sorts by: its accessor. */
function accessor<T>(columns: ColumnDef<T, unknown>[], id: string): ((row: T, index: number) => unknown) | undefined {
  for (const column of columns) {
    if ('accessorFn' in column && (column.id ?? column.header) === id) return column.accessorFn;
    if ('accessorKey' in column && (column.id ?? column.accessorKey) === id)
      return row => row[column.accessorKey as keyof T];
  }
  return undefined;
}

function HeaderCell<T>({ header }: { header: Header<T, unknown> }) {
  const { column } = header;
  const sorted = column.getIsSorted();
  const sort = sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : 'none';
  const numeric = column.columnDef.meta?.numeric;
  const words = flexRender(column.columnDef.header, header.getContext());
  return (
    <th
      scope="col"
      aria-sort={column.getCanSort() ? sort : undefined}
      data-numeric={column.columnDef.meta?.numeric}
      style={{ width: header.getSize() }}
    >
      {column.getCanSort() ? (
        <button type="button" onClick={column.getToggleSortingHandler()}>
          {!numeric && words}
          <span aria-hidden="true" className="sort-mark">
            {sorted === 'asc' ? '↑' : sorted === 'desc' ? '↓' : ''}
          </span>
          {numeric && words}
        </button>
      ) : (
        words
      )}
    </th>
  );
}

/** Arrow keys go from row to row, by the first button or link of each. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>) {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const place = event.currentTarget;
  const rows = [...place.querySelectorAll('tbody tr')].flatMap(
    row => row.querySelector<HTMLElement>('a, button') ?? [],
  );
  const at = rows.findIndex(row => row === document.activeElement);
  if (at < 0 && event.target !== place) return;
  const top = place.getBoundingClientRect().top + ROW;
  const to =
    at < 0 ? rows.find(row => row.getBoundingClientRect().top >= top) : rows[at + (event.key === 'ArrowDown' ? 1 : -1)];
  if (!to) return;
  event.preventDefault();
  to.focus({ preventScroll: true });
  to.closest('tr')?.scrollIntoView({ block: 'nearest' });
}

/** A table of any length (100,000 rows and more): only the rows in sight are in the page. Sorted by its headers.
 *  @param data,columns keep them in useMemo or outside the component: new ones lay the table out anew.
 *  @param label what the table lists.
 *  @param rowId a stable id of a row.
 *  @param keep which rows are shown; keep it in useCallback. Rows are sorted before they are filtered, so that another
 *  filter sorts nothing.
 *  @param tall rows of two lines: details of a layer are below its shapes. Give another key with another.
 *  @param height of the whole, in CSS; less is used where there are few rows.
 *  @param selected id of the row that is marked. @param onSelect a click on a row; put a button or link into a cell, too,
 *  for those at a keyboard, with tabIndex -1: arrow keys reach it, and Tab goes past the table, however long it is. */
export function DataTable<T>(props: {
  data: T[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- columns of one table have values of several types
  columns: ColumnDef<T, any>[];
  label: string;
  rowId: (row: T) => string;
  keep?: (row: T) => boolean;
  tall?: boolean;
  height?: string;
  initialSort?: SortingState;
  selected?: string | null;
  onSelect?: (row: T) => void;
}) {
  'use no memo'; // the table and the virtualizer change in place
  const { data, columns, keep } = props;
  const [sorting, setSorting] = useState<SortingState>(props.initialSort ?? []);
  const scroll = useRef<HTMLDivElement>(null);
  const sort = sorting[0];
  const sorted = useMemo(() => {
    const value = sort && accessor(columns, sort.id);
    return value ? sortRows(data, value, sort.desc) : data;
  }, [data, columns, sort]);
  const rows = useMemo(() => (keep ? sorted.filter(keep) : sorted), [sorted, keep]);
  useEffect(() => {
    if (scroll.current) scroll.current.scrollTop = 0;
  }, [sort, keep]);
  // eslint-disable-next-line react-hooks/incompatible-library -- no compiler memoizes this component
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => (props.tall ? TALL_ROW : ROW),
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? -1;
  const shown = useMemo(() => rows.slice(first, last + 1), [rows, first, last]);
  // The table knows the rows in sight only: laying out 100,000 takes a second.
  const table = useReactTable({
    data: shown,
    columns,
    state: { sorting },
    onSortingChange: setSorting,
    manualSorting: true,
    autoResetAll: false,
    getRowId: props.rowId,
    getCoreRowModel: getCoreRowModel(),
  });
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div
      ref={scroll}
      className="table-scroll"
      data-tall={props.tall}
      role="region"
      aria-label={props.label}
      aria-description="Arrow keys go from row to row."
      tabIndex={0}
      onKeyDown={moveFocus}
      style={{ maxHeight: props.height ?? '70vh' }}
    >
      <table
        className="data"
        aria-label={props.label}
        aria-rowcount={rows.length + 1}
        style={{ minWidth: table.getTotalSize() }}
      >
        <thead>
          {table.getHeaderGroups().map(group => (
            <tr key={group.id} aria-rowindex={1}>
              {group.headers.map(header => (
                <HeaderCell key={header.id} header={header} />
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          {before > 0 && <tr aria-hidden="true" style={{ height: before }} />}
          {table.getRowModel().rows.map((row, i) => (
            <tr
              key={row.id}
              aria-rowindex={first + i + 2}
              aria-selected={props.onSelect ? row.id === props.selected : undefined}
              onClick={props.onSelect && (() => props.onSelect?.(row.original))}
            >
              {row.getVisibleCells().map(cell => (
                <td key={cell.id} data-numeric={cell.column.columnDef.meta?.numeric}>
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </td>
              ))}
            </tr>
          ))}
          {after > 0 && <tr aria-hidden="true" style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  );
}
