// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What pages ask the server for. Keys begin with the topic that /v1/events tells about, so that app/events.ts can keep
 *  them fresh without asking again:
 *    [topic, 'list']          an array of whole resources
 *    [topic, 'list', fields]  those that have these fields, as { device: 'pi4' }
 *    [topic, 'one', id]       one resource
 *    [topic, 'of', id, ...]   anything derived from one resource: asked for anew when that resource changes
 *    [topic, 'ended', ...]    anything derived from all that have ended: asked for anew when another one has, or changes
 *  Other keys (['space', ...] is one of them) are asked for once. */
import { queryOptions } from '@tanstack/react-query';
import { answer, api, everyPage } from './client';
import { Problem } from './problem';
import type { Session } from './types';

const PAGE = 1000;

/** Who is signed in; null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async (): Promise<Session | null> => {
    try {
      return await answer(api.GET('/v1/session'));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
});

export const devicesQuery = queryOptions({
  queryKey: ['device', 'list'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/devices', { params: { query: { limit: PAGE, cursor } } }))),
});

export const profilesQuery = queryOptions({
  queryKey: ['profile', 'list'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/profiles', { params: { query: { limit: PAGE, cursor } } }))),
});

/** @param id of a profile */
export const profileQuery = (id: string) =>
  queryOptions({
    queryKey: ['profile', 'one', id],
    queryFn: () => answer(api.GET('/v1/profiles/{id}', { params: { path: { id } } })),
  });

export const agentsQuery = queryOptions({
  queryKey: ['agent', 'list'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/agents', { params: { query: { limit: PAGE, cursor } } }))),
});

export const spacesQuery = queryOptions({
  queryKey: ['space', 'list'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/spaces', { params: { query: { limit: PAGE, cursor } } }))),
});

export const tablesQuery = queryOptions({
  queryKey: ['table', 'list'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/tables', { params: { query: { limit: PAGE, cursor } } }))),
});

/** What the nights of a table measured: of a row, or of the device's sentinel. @param layer a row's text; null: the
 *  sentinel. */
export const nightsQuery = (device: string, config: string, layer: string | null) =>
  queryOptions({
    queryKey: ['run', 'ended', `${device}/${config}`, layer],
    queryFn: () => {
      const params = { path: { device, config }, query: layer === null ? {} : { layer } };
      return answer(api.GET('/v1/tables/{device}/{config}/nights', { params }));
    },
  });
