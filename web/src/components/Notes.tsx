// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What stands in the place of content: loading, nothing there, something wrong. */
import type { ReactNode } from 'react';
import { Problem } from '../api/problem';
import type { Clock } from './unit';
import { INSTRUCTIONS } from './unit';

export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      Loading {what}…
    </p>
  );
}

/** Of a table whose latencies are none. */
export function InstructionsNote({ clock }: { clock: Clock | undefined }) {
  if (clock !== 'instructions') return null;
  return (
    <p className="note note-clock" role="note">
      Latencies of this table are <b>{INSTRUCTIONS}</b>: M instr. are millions of them.
    </p>
  );
}

/** @param children what to do next: a link or a button. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** One message of what went wrong, with the field or line that the server names. */
export function problemText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Problem && error.line !== null) return `Line ${error.line}: ${error.message}`;
  return error.message;
}

/** @param retry shown as a button where given. */
export function ProblemNote({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div className="problem" role="alert">
      <p>{problemText(error)}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
