// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Files of tables: which format they have, and where they go. */
import { Problem } from '../../api/problem';

export const FORMATS = {
  'application/yaml': 'OFA YAML',
  'application/vnd.ofa+json': 'OFA JSON',
  'text/csv': 'CSV',
  'application/json': 'JSON',
} as const;
export type Format = keyof typeof FORMATS;

/** The format by what the file begins with, whatever it is called: names of published tables vary. */
export function formatOf(text: string): Format {
  const start = text.trimStart().slice(0, 4000);
  if (start.startsWith('{'))
    return /^\{\s*"(items|device|config|version|next)"\s*:/.test(start)
      ? 'application/json'
      : 'application/vnd.ofa+json';
  const line = start.split('\n', 1)[0] ?? '';
  return /(^|,)"?layer"?(,|\s*$)/.test(line) ? 'text/csv' : 'application/yaml';
}

/** Device and config that a file's name suggests, as exports are named: "pi4_xnnpack-f32-t1-b1.csv". */
export function targetOf(fileName: string): { device: string; config: string } | null {
  const [, device, config] = /^(.+?)[_ ]([a-z0-9.]+-[a-z0-9]+-t\d+-b\d+)/.exec(fileName) ?? [];
  return device === undefined || config === undefined ? null : { device, config };
}

export interface Imported {
  version: number;
  rows: number;
  added: number;
  replaced: number;
}

/** Send one file. */
export async function importFile(device: string, config: string, file: File): Promise<Imported> {
  const text = await file.text();
  if (text.trim() === '') throw new Problem({ status: 0, title: 'Empty', detail: 'The file is empty.' });
  let response: Response;
  try {
    response = await fetch(`/v1/tables/${encodeURIComponent(device)}/${encodeURIComponent(config)}/entries`, {
      method: 'POST',
      headers: { 'Content-Type': formatOf(text), Accept: 'application/json' },
      body: text,
    });
  } catch {
    throw new Problem({ status: 0, title: 'No answer', detail: 'The server cannot be reached. Is lathed running?' });
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw Problem.of(response, body);
  return body as Imported;
}
