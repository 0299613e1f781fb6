// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { ReactNode } from 'react';

/** A page's title, one line on what it is for, and its actions. */
export function PageHeader({ title, about, children }: { title: ReactNode; about?: ReactNode; children?: ReactNode }) {
  return (
    <div className="page-header">
      <div>
        <h1>{title}</h1>
        {about && <p className="dim">{about}</p>}
      </div>
      {children && <div className="actions">{children}</div>}
    </div>
  );
}
