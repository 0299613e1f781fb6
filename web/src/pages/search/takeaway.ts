// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A search as commands for a shell. */
import { OTHER_COSTS } from './costs';
import type { Question } from './question';
import { subnetBody } from './question';

/** In single quotes, which a shell takes as they are. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @param origin of the server: "http://127.0.0.1:8420". */
export function curlText(q: Question, origin: string, verify: boolean): string {
  const body = { ...subnetBody(q), ...(verify && { verify }) };
  return [
    `curl -sS ${quoted(`${origin}/v1/subnets`)} \\`,
    `  -H "Authorization: Bearer $LATHE_TOKEN" -H 'Content-Type: application/json' \\`,
    `  -d ${quoted(JSON.stringify(body))}`,
  ].join('\n');
}

function latencyOption(q: Question): string[] {
  if (q.latency.every(limit => limit === null)) return [];
  return ['--latency-ms', q.latency.map(limit => limit ?? 1e9).join(',')];
}

/** The `lathe` command of the same search. */
export function commandText(q: Question, verify: boolean): string {
  const words = [
    'lathe',
    'subnet',
    ...q.tables,
    '--space',
    q.space,
    ...(q.predictor ? ['--predictor', q.predictor] : []),
    ...latencyOption(q),
  ];
  for (const cost of OTHER_COSTS)
    if (q.limits[cost] !== null) words.push(`--${cost.replaceAll('_', '-')}`, String(q.limits[cost]));
  if (words.every(word => !/^--.*-(ms|m|kb)$/.test(word)) && q.goal === 'top1') words.push('--latency-ms', '1e9');
  if (!q.predictor) words.push('--objective', 'most_macs');
  if (q.goal !== 'top1') words.push('--objective', q.goal, '--min-top1', String(q.minTop1));
  if (q.resolutions.length > 0) words.push('--resolutions', q.resolutions.join(','));
  if (q.seed !== null) words.push('--seed', String(q.seed));
  if (q.budget_ms !== null) words.push('--budget-ms', String(q.budget_ms));
  if (verify) words.push('--verify');
  return words.map(quoted).join(' ');
}
