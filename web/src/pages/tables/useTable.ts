// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What the parts of a table's page share. */
import { useMemo } from 'react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { profilesQuery, spacesQuery } from '../../api/queries';
import type { PlacedRow } from './filter';
import type { TableRef } from './queries';
import { coverageQuery, doubtsQuery, rowsQuery, spaceMapQuery } from './queries';

/** The space that a table is looked at by: `chosen`, or the one that it was profiled for last, or the one that has most
 *  rows in it. undefined: not known yet; null: no space has a row in it. */
export function useTableSpace(table: TableRef, chosen: string | null): string | null | undefined {
  const spaces = useQuery(spacesQuery);
  const profiles = useQuery(profilesQuery);
  const ids = spaces.data?.map(s => s.id) ?? [];
  const profiled = profiles.data?.findLast(
    p => p.device === table.device && p.config === table.config && ids.includes(p.space),
  );
  const guess = chosen === null && profiles.data !== undefined && !profiled;
  const covers = useQueries({ queries: guess ? ids.map(id => coverageQuery(table, id)) : [] });
  if (chosen !== null) return chosen;
  if (profiled) return profiled.space;
  if (spaces.isError || profiles.isError) return null;
  if (!spaces.data || !guess || covers.some(c => c.isPending)) return undefined;
  const best = covers
    .map(c => c.data)
    .filter(c => c !== undefined)
    .reduce((most, c) => (c.rows_present > (most?.rows_present ?? 0) ? c : most), covers[0]?.data);
  return best && best.rows_present > 0 ? best.space : null;
}

const joined = (kinds: string, kind: string) => (kinds.includes(kind) ? kinds : `${kinds}, ${kind}`);

/** A table's rows with their places in a space and what speaks against them. The rows come first: places and doubts are
 *  filled in when they are known. */
export function usePlacedRows(table: TableRef, space: string | null | undefined) {
  const rows = useQuery(rowsQuery(table));
  const doubts = useQuery(doubtsQuery(table));
  const map = useQuery({ ...spaceMapQuery(space ?? null), enabled: space !== undefined });
  const placed = useMemo(() => {
    if (!rows.data) return undefined;
    const against = new Map<string, { kinds: string; detail: string }>();
    for (const d of doubts.data ?? []) {
      const known = against.get(d.layer);
      if (!known) against.set(d.layer, { kinds: d.doubt, detail: d.detail });
      else against.set(d.layer, { kinds: joined(known.kinds, d.doubt), detail: `${known.detail}; ${d.detail}` });
    }
    const find = map.data;
    return rows.data.map((row, index): PlacedRow => {
      return { ...row, index, places: find ? find.find(row.layer) : [], doubt: against.get(row.text) ?? null };
    });
  }, [rows.data, doubts.data, map.data]);
  return { rows, placed, map };
}
