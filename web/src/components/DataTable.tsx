// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useRef, useState } from 'react';
import { flexRender, getCoreRowModel, getSortedRowModel, useReactTable } from '@tanstack/react-table';
import type { ColumnDef, Header, RowData, SortingState } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';

declare module '@tanstack/react-table' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- the names are the library's
  interface ColumnMeta<TData extends RowData, TValue> {
    /** Figures: set to the right, with digits of one width. */
    numeric?: boolean;
  }
}

/** Height of a row in CSS pixels; styles/components.css has the same (--row). Rows do not wrap. */
const ROW = 32;

function HeaderCell<T>({ header }: { header: Header<T, unknown> }) {
  const { column } = header;
  const sorted = column.getIsSorted();
  const sort = sorted === 'asc' ? 'ascending' : sorted === 'desc' ? 'descending' : 'none';
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
          {words}
          <span aria-hidden="true" className="sort-mark">
            {sorted === 'asc' ? '↑' : sorted === 'desc' ? '↓' : ''}
          </span>
        </button>
      ) : (
        words
      )}
    </th>
  );
}

/** A table of any length (100,000 rows and more): only the rows in sight are in the page. Sorted by its headers.
 *  @param data,columns keep them in useMemo or outside the component: new ones lay the table out anew.
 *  @param label what the table lists.
 *  @param rowId a stable id of a row.
 *  @param height of the whole, in CSS; less is used where there are few rows.
 *  @param selected id of the row that is marked. @param onSelect a click on a row; put a button or link into a cell, too,
 *  for those at a keyboard. */
export function DataTable<T>(props: {
  data: T[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- columns of one table have values of several types
  columns: ColumnDef<T, any>[];
  label: string;
  rowId: (row: T) => string;
  height?: string;
  initialSort?: SortingState;
  selected?: string | null;
  onSelect?: (row: T) => void;
}) {
  'use no memo'; // the table and the virtualizer change in place
  const [sorting, setSorting] = useState<SortingState>(props.initialSort ?? []);
  const scroll = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- no compiler memoizes this component
  const table = useReactTable({
    data: props.data,
    columns: props.columns,
    state: { sorting },
    onSortingChange: setSorting,
    getRowId: props.rowId,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  const rows = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div
      ref={scroll}
      className="table-scroll"
      role="region"
      aria-label={props.label}
      tabIndex={0}
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
          {items.map(item => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <tr
                key={row.id}
                aria-rowindex={item.index + 2}
                aria-selected={props.onSelect ? row.id === props.selected : undefined}
                onClick={props.onSelect && (() => props.onSelect?.(row.original))}
              >
                {row.getVisibleCells().map(cell => (
                  <td key={cell.id} data-numeric={cell.column.columnDef.meta?.numeric}>
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <tr aria-hidden="true" style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  );
}
