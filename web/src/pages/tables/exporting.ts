// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A table as a file. */
import { answer, api, everyPage } from '../../api/client';
import { Problem } from '../../api/problem';
import type { Answer } from '../../api/types';
import { toast } from '../../components/Toasts';
import type { TableRef } from './queries';

export const EXPORTS = [
  { accept: 'text/csv', name: 'CSV', ending: 'csv' },
  { accept: 'application/json', name: 'JSON', ending: 'json' },
  { accept: 'application/yaml', name: 'OFA YAML', ending: 'yaml' },
  { accept: 'application/vnd.ofa+json', name: 'OFA JSON', ending: 'ofa.json' },
] as const;
export type Export = (typeof EXPORTS)[number];

const PAGE = 10_000;

/** All of its rows as one document, as one page would have them. */
async function jsonOf(table: TableRef): Promise<Blob> {
  const path = { device: table.device, config: table.config };
  const version = table.version === null ? {} : { version: table.version };
  const items = await everyPage(async cursor => {
    const params = { path, query: { ...version, limit: PAGE, cursor } };
    // JSON, since no other format was asked for.
    return (await answer(
      api.GET('/v1/tables/{device}/{config}/entries', { params }),
    )) as Answer<'/v1/tables/{device}/{config}/entries'>;
  });
  return new Blob([JSON.stringify({ ...path, ...version, items, next: null }, null, 1)], { type: 'application/json' });
}

async function fileOf(table: TableRef, format: Export): Promise<{ blob: Blob; skipped: number }> {
  if (format.accept === 'application/json') return { blob: await jsonOf(table), skipped: 0 };
  const version = table.version === null ? '' : `?version=${table.version}`;
  const path = `/v1/tables/${encodeURIComponent(table.device)}/${encodeURIComponent(table.config)}/entries${version}`;
  const response = await fetch(path, { headers: { Accept: format.accept } });
  if (!response.ok) throw Problem.of(response, await response.json().catch(() => null));
  return { blob: await response.blob(), skipped: Number(response.headers.get('Lathe-Skipped-Rows') ?? 0) };
}

/** Let the browser save it; says how many rows the format can't hold. */
export async function saveTable(table: TableRef, format: Export) {
  const { blob, skipped } = await fileOf(table, format);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  const version = table.version === null ? '' : `_v${table.version}`;
  link.download = `${table.device}_${table.config}${version}.${format.ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  const left = skipped > 0 ? `, without ${skipped} rows that ${format.name} can't say` : '';
  toast(`Exported ${link.download}${left}`);
}
