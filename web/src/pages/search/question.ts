// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What is asked for: all of it is in the page's address, so that a link shows the same search. */
import type { Body } from '../../api/types';
import type { Cost, Objective, OtherCost } from './costs';
import { COSTS, OTHER_COSTS, costOf, costs, isCost } from './costs';

export type SubnetBody = Body<'/v1/subnets', 'post'>;
export type FrontBody = Body<'/v1/fronts', 'post'>;

export interface Question {
  /** As device/config; the first is what plots show. */
  tables: string[];
  /** Limits in ms, one a table; null: none. */
  latency: (number | null)[];
  limits: Record<OtherCost, number | null>;
  space: string;
  predictor: string;
  /** The only ones to look at; empty: all that the tables have rows for. */
  resolutions: number[];
  /** top1: the most accurate within the limits, or the one that computes most where no predictor is; else the least of a
   *  cost for minTop1. */
  goal: Objective;
  /** A fraction. */
  minTop1: number | null;
  /** What the front is plotted against. */
  axis: Cost;
  seed: number | null;
  budget_ms: number | null;
}

const TABLES_MOST = 8;
/** No table has a latency beyond it; the API's greatest limit. */
const UNLIMITED = 1e9;
/** Below what any subnet takes. */
const IMPOSSIBLE = 1e-9;
/** Below what any subnet reaches. */
const LEAST_TOP1 = 0.001;
const OBJECTIVES: Objective[] = ['top1', ...COSTS.map(cost => costs[cost].objective)];

function positive(text: string | null): number | null {
  const value = Number(text);
  return text && Number.isFinite(value) && value > 0 ? value : null;
}

/** @param search an address's query, without the question mark. What can't be read counts as not given. */
export function parseQuestion(search: string): Question {
  const given = new URLSearchParams(search);
  const tables = [...new Set(given.getAll('table').filter(name => name.includes('/')))].slice(0, TABLES_MOST);
  const latency = given.getAll('latency_ms');
  const goal = given.get('goal') as Objective;
  const axis = given.get('axis');
  const resolutions = (given.get('resolutions') ?? '').split(',').map(Number);
  return {
    tables,
    latency: tables.map((_, i) => positive(latency[i] ?? null)),
    limits: Object.fromEntries(OTHER_COSTS.map(cost => [cost, positive(given.get(cost))])) as Question['limits'],
    space: given.get('space') ?? '',
    predictor: given.get('predictor') ?? '',
    resolutions: resolutions.filter(r => Number.isInteger(r) && r > 0),
    goal: OBJECTIVES.includes(goal) ? goal : 'top1',
    minTop1: positive(given.get('min_top1')),
    axis: isCost(axis) ? axis : 'latency_ms',
    seed: positive(given.get('seed')),
    budget_ms: positive(given.get('budget_ms')),
  };
}

/** The address's query, without the question mark: what parseQuestion() reads. */
export function printQuestion(q: Question): string {
  const out = new URLSearchParams();
  for (const table of q.tables) out.append('table', table);
  // A list without any is left out; an empty one stands for a table without a limit.
  if (q.latency.some(limit => limit !== null))
    for (const limit of q.latency) out.append('latency_ms', `${limit ?? ''}`);
  for (const cost of OTHER_COSTS) if (q.limits[cost] !== null) out.set(cost, String(q.limits[cost]));
  if (q.space) out.set('space', q.space);
  if (q.predictor) out.set('predictor', q.predictor);
  if (q.resolutions.length > 0) out.set('resolutions', q.resolutions.join(','));
  if (q.goal !== 'top1') out.set('goal', q.goal);
  if (q.minTop1 !== null) out.set('min_top1', String(q.minTop1));
  if (q.axis !== 'latency_ms') out.set('axis', q.axis);
  if (q.seed !== null) out.set('seed', String(q.seed));
  if (q.budget_ms !== null) out.set('budget_ms', String(q.budget_ms));
  // Slashes and commas need no escape in a query, and links are read by people.
  return out.toString().replaceAll('%2F', '/').replaceAll('%2C', ',');
}

/* ---- requests ---- */

function common(q: Question) {
  const [first = ''] = q.tables;
  return {
    ...(q.tables.length > 1 ? { tables: q.tables } : { table: first }),
    space: q.space,
    ...(q.predictor && { predictor: q.predictor }),
    ...(q.resolutions.length > 0 && { resolutions: q.resolutions }),
    ...(q.seed !== null && { seed: q.seed }),
  };
}

function latencyLimit(limits: (number | null)[]) {
  if (limits.every(limit => limit === null)) return {};
  const [first] = limits;
  return { latency_ms: limits.length > 1 ? limits.map(limit => limit ?? UNLIMITED) : (first ?? UNLIMITED) };
}

function otherLimits(q: Question) {
  return Object.fromEntries(OTHER_COSTS.flatMap(cost => (q.limits[cost] === null ? [] : [[cost, q.limits[cost]]])));
}

export function isLimited(q: Question): boolean {
  return q.latency.some(limit => limit !== null) || OTHER_COSTS.some(cost => q.limits[cost] !== null);
}

/** POST /v1/subnets. Without any limit it asks for the most accurate of all, or the largest where no predictor is. */
export function subnetBody(q: Question): SubnetBody {
  const limits = { ...latencyLimit(q.latency), ...otherLimits(q) };
  const bounded = q.goal === 'top1' && Object.keys(limits).length === 0 ? { latency_ms: UNLIMITED } : limits;
  return {
    ...common(q),
    ...(Object.keys(bounded).length > 0 && { constraints: bounded }),
    ...(!q.predictor && { objective: 'most_macs' as const }),
    ...(q.goal !== 'top1' && { objective: q.goal, min_top1: q.minTop1 }),
    ...(q.budget_ms !== null && { budget_ms: q.budget_ms }),
  } as SubnetBody;
}

/** POST /v1/fronts. @param within the limits of everything but the axis; else of all subnets. */
export function frontBody(q: Question, within: boolean): FrontBody {
  const latency = q.axis === 'latency_ms' ? [null, ...q.latency.slice(1)] : q.latency;
  const limits: Record<string, unknown> = { ...latencyLimit(latency), ...otherLimits(q) };
  if (q.axis !== 'latency_ms') Reflect.deleteProperty(limits, q.axis);
  return {
    ...common(q),
    ...(within && Object.keys(limits).length > 0 && { constraints: limits }),
    ...(q.axis !== 'latency_ms' && { objectives: ['top1', costs[q.axis].objective] }),
    points: 50,
  } as FrontBody;
}

/** POST /v1/subnets for the least of a cost, whatever its accuracy; quick, and exact where stages make a chain.
 *  @param table of a latency; otherwise all of the question's. */
export function leastBody(q: Question, cost: Cost, table?: string): SubnetBody {
  const asked = table === undefined ? q : { ...q, tables: [table] };
  return { ...common(asked), objective: costs[cost].objective, min_top1: LEAST_TOP1, budget_ms: 1 } as SubnetBody;
}

/** POST /v1/subnets that is refused with the least of every cost: limits that nothing meets. For spaces without a
 *  predictor, which no cost is minimised of. */
export function impossibleBody(q: Question): SubnetBody {
  const none = Object.fromEntries(OTHER_COSTS.map(cost => [cost, IMPOSSIBLE]));
  const latency_ms = q.tables.length > 1 ? q.tables.map(() => IMPOSSIBLE) : IMPOSSIBLE;
  return { ...common(q), objective: 'most_macs', constraints: { latency_ms, ...none } } as SubnetBody;
}

/** The question without its limits; those of boards hold. */
export function unlimited(q: Question): Question {
  const limits = Object.fromEntries(OTHER_COSTS.map(cost => [cost, null])) as Question['limits'];
  return { ...q, goal: 'top1', minTop1: null, latency: q.tables.map(() => null), limits };
}

/** Whether only limits differ, so that an answer on the way from one to the other is worth waiting for. */
export function areKin<B extends SubnetBody | FrontBody>(a: B, b: B): boolean {
  const rest = (body: B) => JSON.stringify({ ...body, constraints: null, min_top1: null });
  return rest(a) === rest(b);
}

/** The limit of the axis' cost; null: none. */
export function axisLimit(q: Question): number | null {
  return q.axis === 'latency_ms' ? (q.latency[0] ?? null) : q.limits[q.axis];
}

/** The same question with another limit for a cost; of latency the first table's. */
export function withLimit(q: Question, cost: Cost, limit: number | null): Question {
  if (cost !== 'latency_ms') return { ...q, limits: { ...q.limits, [cost]: limit } };
  return { ...q, latency: q.latency.map((old, i) => (i === 0 ? limit : old)) };
}

/** What the goal can't be searched without. */
export function lacks(q: Question): 'table' | 'space' | 'predictor' | 'min_top1' | null {
  if (q.tables.length === 0) return 'table';
  if (!q.space) return 'space';
  if (!costOf(q.goal)) return null;
  if (!q.predictor) return 'predictor';
  return q.minTop1 === null ? 'min_top1' : null;
}
