// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What this page alone asks the server for. Searches are no resources: what they rest on is part of their keys (`stamp`,
 *  see useStamp.ts), so that another state of a table is another question. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { answer, api, everyPage } from '../../api/client';
import { Problem } from '../../api/problem';
import type { Answer } from '../../api/types';
import type { Cost, OtherCost } from './costs';
import { OTHER_COSTS } from './costs';
import type { FrontBody, Question, SubnetBody } from './question';
import { impossibleBody, leastBody, subnetBody, unlimited } from './question';

export type SubnetAnswer = Extract<Answer<'/v1/subnets', 'post'>, { subnet: unknown }>;
export type Subnet = SubnetAnswer['subnet'];
export type Front = Answer<'/v1/fronts', 'post'>;
export type FrontPoint = Front['points'][number];
export type Measurement = Answer<'/v1/measurements'>['items'][number];
export type MeasuredNetwork = Answer<'/v1/tables/{device}/{config}/networks'>['items'][number];
export type Predictor = Answer<'/v1/predictors'>['items'][number];
export type SpaceDetail = Answer<'/v1/spaces/{space}'>;

const PAGE = 1000;

/** "pi4/xnnpack-f32-t1-b1" as the two parameters of paths. */
export function tableParts(table: string) {
  const at = table.indexOf('/');
  return { device: table.slice(0, at), config: table.slice(at + 1) };
}

export const predictorsQuery = queryOptions({
  queryKey: ['predictor', 'list'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/predictors', { params: { query: { limit: PAGE, cursor } } }))),
});

export const networksQuery = queryOptions({
  queryKey: ['network'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/networks', { params: { query: { limit: PAGE, cursor } } }))),
});

export const spaceQuery = (space: string) =>
  queryOptions({
    queryKey: ['space', 'of', space],
    queryFn: () => answer(api.GET('/v1/spaces/{space}', { params: { path: { space } } })),
  });

/** Resolutions that a table has all rows of, ascending, and the share of the space's rows that it has: a table of a
 *  board lacks those that the board has no room for. @param stamp the state of the table that it is asked of. */
export const completeQuery = (table: string, space: string, stamp: string) =>
  queryOptions({
    queryKey: ['complete', table, space, stamp],
    queryFn: async () => {
      const path = tableParts(table);
      const coverage = await answer(
        api.GET('/v1/tables/{device}/{config}/coverage', { params: { path, query: { space } } }),
      );
      const complete = coverage.resolutions.filter(r => r.rows_present === r.rows_total).map(r => r.resolution);
      return { complete, share: coverage.rows_total > 0 ? coverage.rows_present / coverage.rows_total : 0 };
    },
  });

export const measurementsQuery = (table: string) =>
  queryOptions({
    queryKey: ['measurement', 'list', tableParts(table)],
    queryFn: () =>
      everyPage(cursor =>
        answer(api.GET('/v1/measurements', { params: { query: { limit: PAGE, cursor, ...tableParts(table) } } })),
      ),
  });

/** @param done how many measurements were done when it is asked: another one may be of a published network. */
export const measuredNetworksQuery = (table: string, done: number) =>
  queryOptions({
    queryKey: ['measured-networks', table, done],
    queryFn: () => {
      const path = tableParts(table);
      return everyPage(cursor =>
        answer(api.GET('/v1/tables/{device}/{config}/networks', { params: { path, query: { limit: PAGE, cursor } } })),
      );
    },
    placeholderData: keepPreviousData,
  });

/** Top-1 and latency that are predicted of given subnets, in their order. */
export const evaluationsQuery = (table: string, space: string, predictor: string, subnets: Subnet[], stamp: string) =>
  queryOptions({
    queryKey: ['evaluations', table, space, predictor, stamp, subnets],
    queryFn: async () => {
      const body = { table, space, predictor, subnets };
      return (await answer(api.POST('/v1/evaluations', { body }))).evaluations;
    },
    placeholderData: keepPreviousData,
  });

/* ---- searches ---- */

/** POST /v1/subnets, as JSON. */
export async function findSubnet(body: SubnetBody, signal?: AbortSignal): Promise<SubnetAnswer> {
  // The description has a net.config as another answer, for those who ask for it by Accept.
  return (await answer(api.POST('/v1/subnets', { body, signal: signal ?? null }))) as SubnetAnswer;
}

export const frontQuery = (body: FrontBody, stamp: string) =>
  queryOptions({
    queryKey: ['front', stamp, body],
    queryFn: ({ signal }) => answer(api.POST('/v1/fronts', { body, signal })),
    placeholderData: keepPreviousData,
  });

/** The least of each cost, exactly; latencies one a table. */
export interface Least {
  latency: number[];
  others: Record<OtherCost, number>;
}

/** What a refusal says that can be met; costs that were not limited are absent. null: it is no such refusal. */
export function leastOf(error: unknown): { latency: number[]; others: Partial<Record<OtherCost, number>> } | null {
  if (!(error instanceof Problem) || error.status !== 422) return null;
  const given = error.body['least'];
  if (typeof given !== 'object' || given === null) return null;
  const least = given as Record<string, unknown>;
  const latency = Array.isArray(least['latency_ms']) ? least['latency_ms'] : [least['latency_ms']];
  return {
    latency: latency.filter(value => typeof value === 'number'),
    others: Object.fromEntries(
      OTHER_COSTS.flatMap(cost => (typeof least[cost] === 'number' ? [[cost, least[cost]]] : [])),
    ),
  };
}

/** The least of each cost by the refusal of limits that nothing meets. */
async function leastByRefusal(q: Question, signal: AbortSignal): Promise<Least> {
  try {
    await findSubnet(impossibleBody(q), signal);
  } catch (error) {
    const least = leastOf(error);
    if (!least) throw error;
    const others = Object.fromEntries(OTHER_COSTS.map(cost => [cost, least.others[cost] ?? 0]));
    return { latency: least.latency, others: others as Least['others'] };
  }
  throw new Error('a search met limits that nothing can meet');
}

/** The largest subnet of all, where no predictor says which is the best. */
export const largestQuery = (q: Question, stamp: string) =>
  queryOptions({
    queryKey: ['largest', stamp, q.tables, q.space, q.resolutions],
    queryFn: ({ signal }) => findSubnet(subnetBody(unlimited(q)), signal),
  });

/** Of the tables, the space and the resolutions of a question. */
export const leastQuery = (q: Question, stamp: string) =>
  queryOptions({
    queryKey: ['least', stamp, q.tables, q.space, q.predictor, q.resolutions],
    queryFn: async ({ signal }): Promise<Least> => {
      if (!q.predictor) return leastByRefusal(q, signal);
      const least = async (cost: Cost, table?: string) => (await findSubnet(leastBody(q, cost, table), signal))[cost];
      const [latency, others] = await Promise.all([
        Promise.all(q.tables.map(table => least('latency_ms', table))),
        Promise.all(OTHER_COSTS.map(async cost => [cost, await least(cost)] as const)),
      ]);
      return { latency, others: Object.fromEntries(others) as Least['others'] };
    },
  });
