// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Tables as CSV, the way in which whole ones come: one answer, a tenth of the size of JSON's. */
import type { Layer } from '../../components/layer';
import { parseLayer } from '../../components/layer';

/** A row of a table. Times in milliseconds; unknown is null. */
export interface Row {
  text: string;
  layer: Layer;
  /** Samples behind the figures. */
  count: number;
  latency: number;
  mean: number | null;
  std: number | null;
  min: number | null;
  p50: number | null;
  p90: number | null;
  /** Half the width of the latency's 95% interval. */
  ci: number | null;
  /** Different subnets that its samples come from. */
  contexts: number;
  /** Timed by itself, in no network. */
  alone: boolean;
}

/** The fields of one line; quotes as in RFC 4180. */
export function fields(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const found: string[] = [];
  const each = /("(?:[^"]|"")*"|[^,]*)(?:,|$)/y;
  while (each.lastIndex < line.length) {
    const field = each.exec(line)?.[1] ?? '';
    found.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
  }
  if (line.endsWith(',')) found.push('');
  return found;
}

/** Rows of an export, in its order. Columns are found by their names, so that more of them do no harm. */
export function parseTable(csv: string): Row[] {
  const lines = csv.split('\n');
  const header = fields((lines[0] ?? '').trimEnd());
  const at = (name: string) => {
    const index = header.indexOf(name);
    if (index < 0) throw new Error(`The table came without the column ${name}.`);
    return index;
  };
  const [text, count, latency, contexts, alone] = ['layer', 'count', 'latency_ms', 'contexts', 'alone'].map(at) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const [mean, std, min, p50, p90, ci] = ['mean_ms', 'std_ms', 'min_ms', 'p50_ms', 'p90_ms', 'ci_ms'].map(at) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const rows: Row[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = (lines[i] ?? '').trimEnd();
    if (line === '') continue;
    const f = fields(line);
    const known = (index: number) => (f[index] ? Number(f[index]) : null);
    rows.push({
      text: f[text] ?? '',
      layer: parseLayer(f[text] ?? ''),
      count: Number(f[count]),
      latency: Number(f[latency]),
      mean: known(mean),
      std: known(std),
      min: known(min),
      p50: known(p50),
      p90: known(p90),
      ci: known(ci),
      contexts: Number(f[contexts]),
      alone: f[alone] === '1',
    });
  }
  return rows;
}
