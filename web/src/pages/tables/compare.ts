// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Two tables, row by row. */
import type { Row } from './csv';

export interface Pair {
  text: string;
  a: Row;
  b: Row;
  /** b's latency over a's. */
  ratio: number;
  /** Whether the 95% intervals lie apart; null: one of the tables tells too little. */
  significant: boolean | null;
}

export interface Comparison {
  pairs: Pair[];
  onlyA: Row[];
  onlyB: Row[];
  /** Of all ratios: the median and the 10th and 90th percentiles; null without pairs. */
  ratios: { median: number; low: number; high: number } | null;
  /** Pairs in which b is significantly faster, and slower. */
  faster: number;
  slower: number;
  unsure: number;
}

/** Half a 95% interval of a row's latency; null: unknown. Imported tables give deviation and count at most. */
export function halfWidth(row: Row): number | null {
  if (row.ci !== null) return row.ci;
  return row.std !== null && row.count > 1 ? (1.96 * row.std) / Math.sqrt(row.count) : null;
}

function isSignificant(a: Row, b: Row): boolean | null {
  const [wa, wb] = [halfWidth(a), halfWidth(b)];
  return wa === null || wb === null ? null : Math.abs(a.latency - b.latency) > wa + wb;
}

/** @param sorted ascending. @param share 0.5 is the median. */
export function quantile(sorted: number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? NaN;
  return low + ((sorted[Math.ceil(at)] ?? NaN) - low) * (at % 1);
}

const bare = (text: string) => text.replace(/ @\d+$/, '');

/** Rows meet by their texts. Imported rows hold for one resolution (they end with "@160"), measured ones for any: where
 *  only one of the two is marked they meet without the mark, so that a measured row may meet several. */
export function compareTables(a: Row[], b: Row[]): Comparison {
  const exact = new Map(b.map(row => [row.text, row]));
  const marked = new Map<string, Row[]>();
  for (const row of b)
    if (row.layer.resolution !== null) {
      const rows = marked.get(bare(row.text));
      if (rows) rows.push(row);
      else marked.set(bare(row.text), [row]);
    }
  const met = new Set<Row>();
  const pairs: Pair[] = [];
  const onlyA: Row[] = [];
  for (const row of a) {
    const same = exact.get(row.text);
    const alike = same
      ? [same]
      : row.layer.resolution === null
        ? (marked.get(row.text) ?? [])
        : [exact.get(bare(row.text))].filter(r => r !== undefined);
    if (alike.length === 0) onlyA.push(row);
    for (const other of alike) {
      met.add(other);
      const text = row.layer.resolution === null ? other.text : row.text;
      pairs.push({
        text,
        a: row,
        b: other,
        ratio: other.latency / row.latency,
        significant: isSignificant(row, other),
      });
    }
  }
  const sorted = pairs.map(p => p.ratio).sort((x, y) => x - y);
  const sure = pairs.filter(p => p.significant);
  return {
    pairs,
    onlyA,
    onlyB: b.filter(row => !met.has(row)),
    ratios: sorted.length
      ? { median: quantile(sorted, 0.5), low: quantile(sorted, 0.1), high: quantile(sorted, 0.9) }
      : null,
    faster: sure.filter(p => p.ratio < 1).length,
    slower: sure.filter(p => p.ratio > 1).length,
    unsure: pairs.filter(p => p.significant === null).length,
  };
}
