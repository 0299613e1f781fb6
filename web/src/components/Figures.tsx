// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { ReactNode } from 'react';

export interface Figure {
  name: string;
  value: ReactNode;
  /** What it means, in a few words. */
  note?: ReactNode;
}

/** Figures under their names, side by side. */
export function Figures({ items }: { items: Figure[] }) {
  return (
    <dl className="figures">
      {items.map(item => (
        <div key={item.name}>
          <dt>{item.name}</dt>
          <dd>
            <span className="figure">{item.value}</span>
            {item.note && <span className="help">{item.note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
