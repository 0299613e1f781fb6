// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A found subnet as one that is in use. */
import type { NewShipped } from '../nightly/queries';
import { roundUp } from './costs';
import type { SubnetAnswer } from './queries';
import type { Question } from './question';

/** What a name may hold; see the API's Name. */
const NAME_MOST = 64;

/** The limit that nights hold it against: what was asked for, else what was found, rounded up. */
function limitOf(question: Question, chosen: SubnetAnswer, at: number): number {
  const table = question.tables[at] ?? '';
  return question.latency[at] ?? roundUp(chosen.latencies_ms?.[table] ?? chosen.latency_ms);
}

/** "ofa-mbv3-w1.2-25ms": a name that says what it is. */
export function shippedName(question: Question, chosen: SubnetAnswer): string {
  const limit = `-${limitOf(question, chosen, 0)}ms`;
  return question.space.slice(0, NAME_MOST - limit.length) + limit;
}

/** One request a table. */
export function shipBody(question: Question, chosen: SubnetAnswer, name: string): NewShipped[] {
  return question.tables.map((table, at) => ({
    name,
    table,
    subnet: { ...chosen.subnet, space: question.space },
    limits: { latency_ms: limitOf(question, chosen, at) },
    ...(question.predictor && { predictor: question.predictor }),
  }));
}
