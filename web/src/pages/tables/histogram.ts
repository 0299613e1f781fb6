// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** How samples are drawn. */

/** Bins of equal width over [least, most]. */
export interface Histogram {
  from: number;
  width: number;
  counts: number[];
}

const MOST_BINS = 60;

/** Freedman and Diaconis' width: it follows the middle of the samples, whatever a few far ones do. null: no samples. */
export function histogram(values: number[]): Histogram | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return null;
  const quarter = (n: number) => sorted[Math.floor(((sorted.length - 1) * n) / 4)] ?? 0;
  const ideal = (2 * (quarter(3) - quarter(1))) / Math.cbrt(sorted.length);
  const bins = ideal > 0 ? Math.min(MOST_BINS, Math.max(1, Math.ceil((most - least) / ideal))) : 1;
  const width = most > least ? (most - least) / bins : Math.max(least, 1e-9) / 100;
  const counts = Array<number>(bins).fill(0);
  for (const value of sorted) {
    const bin = Math.min(bins - 1, Math.floor((value - least) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { from: least, width, counts };
}

/** A place in [-0.4, 0.4] for the n-th sample of a strip, so that equal ones do not hide each other; the same each time. */
export function jitter(n: number): number {
  return (((n * 0.61803398875) % 1) - 0.5) * 0.8;
}

export interface Spread {
  least: number;
  median: number;
  most: number;
}

/** null: nothing is known. */
export function spreadOf(values: (number | null)[]): Spread | null {
  const known = values.filter(v => v !== null).sort((a, b) => a - b);
  if (known.length === 0) return null;
  return {
    least: known[0] ?? 0,
    median: known[Math.floor((known.length - 1) / 2)] ?? 0,
    most: known.at(-1) ?? 0,
  };
}
