// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Which rows of a table are shown. */
import type { Row } from './csv';
import type { Known } from './places';

/** A row and what is known of it besides its figures. */
export interface PlacedRow extends Row {
  /** Its place among the table's rows, from 0. */
  index: number;
  places: Known[];
  /** Why it is not plausible; null: nothing is known against it. */
  doubt: { kinds: string; detail: string } | null;
}

/** '' is any. `part`: 'none' for rows that belong nowhere in the space. */
export interface Filter {
  q: string;
  kind: string;
  part: string;
  kernel: string;
  expand: string;
  resolution: string;
  /** '1': implausible rows only. */
  doubt: string;
}

export const NO_FILTER: Filter = { q: '', kind: '', part: '', kernel: '', expand: '', resolution: '', doubt: '' };
const NAMES = Object.keys(NO_FILTER) as (keyof Filter)[];

export function isFiltered(filter: Filter): boolean {
  return NAMES.some(name => filter[name] !== '');
}

export function readFilter(search: URLSearchParams): Filter {
  const filter = { ...NO_FILTER };
  for (const name of NAMES) filter[name] = search.get(name) ?? '';
  return filter;
}

/** Put a filter into an address, without what filters nothing. */
export function writeFilter(search: URLSearchParams, filter: Filter) {
  for (const name of NAMES)
    if (filter[name] === '') search.delete(name);
    else search.set(name, filter[name]);
}

/** A test of rows; all words of `q` must be in a row's text, in any order. Made once, then called for each row. */
export function tester(filter: Filter): (row: PlacedRow) => boolean {
  const words = filter.q.toLowerCase().replaceAll('×', 'x').split(/\s+/).filter(Boolean);
  const number = (text: string) => (text === '' ? null : Number(text));
  const [kernel, expand, resolution] = [number(filter.kernel), number(filter.expand), number(filter.resolution)];
  const { kind, part } = filter;
  const fits = (known: Known) =>
    (part === '' || known.place.part === part) &&
    (expand === null || known.place.expand === expand) &&
    (resolution === null || known.resolutions.includes(resolution));
  const placed = part !== '' || expand !== null || resolution !== null;
  return row => {
    if (kind !== '' && row.layer.kind !== kind) return false;
    if (kernel !== null && row.layer.kernel !== kernel) return false;
    if (filter.doubt !== '' && row.doubt === null) return false;
    for (const word of words) if (!row.text.includes(word)) return false;
    if (!placed) return true;
    // A marked row says its resolution itself, whatever the space.
    if (row.places.length === 0)
      return (
        expand === null &&
        (part === '' || part === 'none') &&
        (resolution === null || row.layer.resolution === resolution)
      );
    return row.places.some(fits);
  };
}

export interface Options {
  kinds: string[];
  parts: string[];
  kernels: number[];
  expands: number[];
  resolutions: number[];
  /** Whether rows belong nowhere. */
  strangers: boolean;
}

/** What there is to choose from in these rows. */
export function optionsOf(rows: PlacedRow[]): Options {
  const kinds = new Set<string>();
  const parts = new Set<string>();
  const kernels = new Set<number>();
  const expands = new Set<number>();
  const resolutions = new Set<number>();
  let strangers = false;
  for (const row of rows) {
    kinds.add(row.layer.kind);
    if (row.layer.kernel !== null) kernels.add(row.layer.kernel);
    if (row.layer.resolution !== null) resolutions.add(row.layer.resolution);
    strangers ||= row.places.length === 0;
    for (const known of row.places) {
      parts.add(known.place.part);
      if (known.place.expand !== null) expands.add(known.place.expand);
      for (const resolution of known.resolutions) resolutions.add(resolution);
    }
  }
  const ascending = (set: Set<number>) => [...set].sort((a, b) => a - b);
  return {
    kinds: [...kinds].sort(),
    parts: [...parts].sort((a, b) => partRank(a) - partRank(b)),
    kernels: ascending(kernels),
    expands: ascending(expands),
    resolutions: ascending(resolutions),
    strangers,
  };
}

/** Order of a network's parts, from its input on. */
export function partRank(part: string): number {
  const stage = /^Stage (\d+)$/.exec(part)?.[1];
  if (stage !== undefined) return 1 + Number(stage);
  return part === 'Stem' ? 0 : part === 'First block' ? 1 : 1000;
}
