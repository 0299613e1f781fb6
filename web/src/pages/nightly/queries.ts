// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What nights ask the server for. Keys: api/queries.ts. */
import { queryOptions } from '@tanstack/react-query';
import { answer, api, everyPage } from '../../api/client';
import { tableOf } from './findings';
import type { Body, Run, Shipped } from '../../api/types';

export type NewRun = Body<'/v1/runs', 'post'>;
export type NewShipped = Body<'/v1/shipped', 'post'>;

const PAGE = 200;
const SHIPPED_PAGE = 1000;
const DAY_MS = 86_400_000;
/** What the calendar has room for. */
export const RECENT_DAYS = 380;

/** Runs, newest first: of the last RECENT_DAYS and some more, or all that there are. */
export const runsQuery = (which: 'recent' | 'all' = 'recent') =>
  queryOptions({
    queryKey: ['run', 'list', {}, which],
    queryFn: async () => {
      const since = which === 'all' ? 0 : Date.now() - RECENT_DAYS * DAY_MS;
      const runs: Run[] = [];
      let cursor: string | undefined;
      do {
        const page = await answer(api.GET('/v1/runs', { params: { query: { limit: PAGE, cursor } } }));
        runs.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor !== undefined && Date.parse(runs.at(-1)?.created ?? '') >= since);
      return runs;
    },
  });

/** Whether there may be others than the recent ones. */
export function mayHaveOlder(recent: readonly Run[]): boolean {
  return recent.length >= PAGE;
}

/** A run with all rows of its findings, which events do not have: it is asked for anew when it has changed. */
export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ['run', 'of', id],
    queryFn: () => answer(api.GET('/v1/runs/{id}', { params: { path: { id } } })),
  });

export const shippedQuery = queryOptions({
  queryKey: ['shipped', 'list'],
  queryFn: () =>
    everyPage(cursor => answer(api.GET('/v1/shipped', { params: { query: { limit: SHIPPED_PAGE, cursor } } }))),
});

/** How full the server's folder is. */
export const storageQuery = queryOptions({
  queryKey: ['storage'],
  queryFn: () => answer(api.GET('/v1/storage')),
});

/** What a shipped subnet takes by its table. @param state of the table: another state, another answer. */
export const predictedQuery = (shipped: Shipped, state: string) =>
  queryOptions({
    queryKey: ['predicted', tableOf(shipped), shipped.subnet, shipped.predictor, state],
    queryFn: async () => {
      const { subnet, predictor } = shipped;
      const body = {
        table: tableOf(shipped),
        space: subnet.space ?? '',
        subnets: [subnet],
        ...(predictor !== null && { predictor }),
      };
      return (await answer(api.POST('/v1/evaluations', { body }))).evaluations[0] ?? null;
    },
  });

/** Names a subnet as one that is in use; under a name that its table has already, it takes the other's place. */
export function ship(body: NewShipped) {
  return answer(api.POST('/v1/shipped', { body }));
}
