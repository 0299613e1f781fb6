// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What the pages of tables ask the server for. Keys: api/queries.ts. */
import { queryOptions } from '@tanstack/react-query';
import { answer, api, everyPage } from '../../api/client';
import type { Answer } from '../../api/types';
import { parseTable } from './csv';
import { SpaceMap, choicesOf, probes } from './places';

/** A table, and one of its versions; null: the newest. */
export interface TableRef {
  device: string;
  config: string;
  version: number | null;
}

export type TableDetail = Answer<'/v1/tables/{device}/{config}'>;
export type Coverage = Answer<'/v1/tables/{device}/{config}/coverage'>;
export type TrustReport = Answer<'/v1/tables/{device}/{config}/trust'>;
export type Doubt = Answer<'/v1/tables/{device}/{config}/doubts'>['items'][number];
export type SampleVisit = Answer<'/v1/tables/{device}/{config}/samples'>['items'][number];
export type HistoryEntry = Answer<'/v1/tables/{device}/{config}/history'>['items'][number];

const PAGE = 1000;

export function tableId(table: { device: string; config: string }): string {
  return `${table.device}/${table.config}`;
}

function asked(table: TableRef) {
  return {
    path: { device: table.device, config: table.config },
    query: table.version === null ? {} : { version: table.version },
  };
}

export const tableQuery = (table: TableRef) =>
  queryOptions({
    queryKey: ['table', 'of', tableId(table), 'table', table.version],
    queryFn: () => answer(api.GET('/v1/tables/{device}/{config}', { params: asked(table) })),
  });

export const rowsQuery = (table: TableRef) =>
  queryOptions({
    queryKey: ['table', 'of', tableId(table), 'rows', table.version],
    structuralSharing: false, // comparing 100,000 rows with what was there takes longer than drawing them
    queryFn: async () =>
      parseTable(
        (await answer(
          api.GET('/v1/tables/{device}/{config}/entries', {
            params: asked(table),
            headers: { Accept: 'text/csv' },
            parseAs: 'text',
          }),
        )) as string,
      ),
  });

export const doubtsQuery = (table: TableRef) =>
  queryOptions({
    queryKey: ['table', 'of', tableId(table), 'doubts', table.version],
    queryFn: () =>
      everyPage(cursor => {
        const { path, query } = asked(table);
        const params = { path, query: { ...query, limit: PAGE, cursor } };
        return answer(api.GET('/v1/tables/{device}/{config}/doubts', { params }));
      }),
  });

/** Ask only where a table has some: it is a 404 otherwise. */
export const trustQuery = (table: TableRef) =>
  queryOptions({
    queryKey: ['table', 'of', tableId(table), 'trust', table.version],
    queryFn: () => answer(api.GET('/v1/tables/{device}/{config}/trust', { params: asked(table) })),
  });

export const coverageQuery = (table: TableRef, space: string) =>
  queryOptions({
    queryKey: ['table', 'of', tableId(table), 'coverage', table.version, space],
    queryFn: () => {
      const { path, query } = asked(table);
      return answer(api.GET('/v1/tables/{device}/{config}/coverage', { params: { path, query: { ...query, space } } }));
    },
  });

export const historyQuery = (table: TableRef, layer: string) =>
  queryOptions({
    queryKey: ['table', 'of', tableId(table), 'history', layer],
    queryFn: async () => {
      const params = { path: { device: table.device, config: table.config }, query: { layer } };
      return (await answer(api.GET('/v1/tables/{device}/{config}/history', { params }))).items;
    },
  });

export const samplesQuery = (table: TableRef, layer: string) =>
  queryOptions({
    queryKey: ['table', 'of', tableId(table), 'samples', table.version, layer],
    queryFn: async () => {
      const { path, query } = asked(table);
      let reference: number | null = null;
      const visits = await everyPage(async cursor => {
        const params = { path, query: { ...query, layer, limit: PAGE, cursor } };
        const page = await answer(api.GET('/v1/tables/{device}/{config}/samples', { params }));
        reference = page.reference_ns;
        return page;
      });
      return { visits, reference: reference as number | null };
    },
  });

/** Where rows belong in a space. @param id null: in none. */
export const spaceMapQuery = (id: string | null) =>
  queryOptions({
    queryKey: ['space', 'map', id],
    structuralSharing: false,
    queryFn: async () => {
      if (id === null) return null;
      const space = await answer(api.GET('/v1/spaces/{space}', { params: { path: { space: id } } }));
      const map = new SpaceMap(choicesOf(space));
      const all = space.resolutions.flatMap(r => probes(map.space, r, space.document).map(probe => ({ r, probe })));
      const layers = await Promise.all(
        all.map(({ probe }) => answer(api.POST('/v1/layers', { body: { subnet: probe.subnet as never } }))),
      );
      layers.forEach((found, i) => {
        const { r, probe } = all[i] as (typeof all)[number];
        map.add(
          r,
          probe.blocks,
          found.layers.map(l => l.layer),
        );
      });
      return map;
    },
  });
