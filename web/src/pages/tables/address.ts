// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Addresses of tables' pages. */
import type { TableRef } from './queries';

export const VIEWS = [
  ['rows', 'Rows'],
  ['heat', 'Heat map'],
  ['trust', 'Trust'],
  ['coverage', 'Coverage'],
  ['doubts', 'Doubts'],
  ['compare', 'Compare'],
  ['versions', 'Versions'],
] as const;
export type View = (typeof VIEWS)[number][0];

/** @param search further words of the address; those without a value are left out. */
export function tableAddress(table: TableRef, view: View = 'rows', search: Record<string, string | null> = {}): string {
  const words = new URLSearchParams();
  if (table.version !== null) words.set('version', String(table.version));
  for (const [name, value] of Object.entries(search)) if (value !== null) words.set(name, value);
  const path = ['/tables', encodeURIComponent(table.device), encodeURIComponent(table.config)];
  if (view !== 'rows') path.push(view);
  return path.join('/') + (words.size > 0 ? `?${words.toString()}` : '');
}

/** "pi4/xnnpack-f32-t1-b1@2", as the address of a comparison names its other table; null: it names none. */
export function parseRef(text: string | null): TableRef | null {
  const [, device, config, version] = /^([^/]+)\/([^/@]+)(?:@(\d+))?$/.exec(text ?? '') ?? [];
  if (device === undefined || config === undefined) return null;
  return { device, config, version: version === undefined ? null : Number(version) };
}

export function refText(table: TableRef): string {
  return `${table.device}/${table.config}${table.version === null ? '' : `@${table.version}`}`;
}
