// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { ReactNode } from 'react';

export interface ListColumn<T> {
  title: string;
  cell: (item: T) => ReactNode;
  /** Figures: set to the right. */
  numeric?: boolean;
}

/** A table of few rows, whose cells may wrap and hold anything; on a narrow screen each row becomes a card. The first
 *  column names the row. For many rows there is DataTable. */
export function RowList<T>(props: { label: string; columns: ListColumn<T>[]; items: T[]; rowId: (item: T) => string }) {
  // The roles are said since tables that are laid out as blocks lose them.
  return (
    <table className="list" role="table" aria-label={props.label}>
      <thead role="rowgroup">
        <tr role="row">
          {props.columns.map(column => (
            <th key={column.title} role="columnheader" scope="col" data-numeric={column.numeric}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.items.map(item => (
          <tr key={props.rowId(item)} role="row">
            {props.columns.map((column, i) =>
              i === 0 ? (
                <th key={column.title} role="rowheader" scope="row">
                  {column.cell(item)}
                </th>
              ) : (
                <td key={column.title} role="cell" data-label={column.title} data-numeric={column.numeric}>
                  <div>{column.cell(item)}</div>
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
