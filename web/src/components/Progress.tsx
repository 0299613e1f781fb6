// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors

/** A bar. @param share 0 to 1; null: not known, drawn as an empty bar. @param label names what goes on. */
export function Progress({ share, label }: { share: number | null; label: string }) {
  const percent = share === null ? 0 : Math.round(100 * Math.min(1, Math.max(0, share)));
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : percent}
    >
      <span style={{ width: `${percent}%` }} />
    </div>
  );
}
