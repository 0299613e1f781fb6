// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { SubnetAnswer } from './queries';
import { parseQuestion } from './question';
import { shipBody, shippedName } from './shipping';

const subnet = { resolution: 160, depth: [2], kernel: [3], expand: [4] };
const chosen = { subnet, latency_ms: 24.1234567, latencies_ms: { 'b/y': 7.5 } } as unknown as SubnetAnswer;

describe('a subnet that is shipped', () => {
  it('has the limit that was asked for, and a name that says it', () => {
    const question = parseQuestion('table=a/x&latency_ms=25&space=small&predictor=p');
    expect(shippedName(question, chosen)).toBe('small-25ms');
    expect(shipBody(question, chosen, 'phone')).toEqual([
      {
        name: 'phone',
        table: 'a/x',
        subnet: { ...subnet, space: 'small' },
        limits: { latency_ms: 25 },
        predictor: 'p',
      },
    ]);
  });
  it('is held to what it takes where no limit was set, for each table', () => {
    const question = parseQuestion('table=a/x&table=b/y&space=small');
    const bodies = shipBody(question, chosen, 'both');
    expect(bodies.map(b => [b.table, b.limits?.latency_ms])).toEqual([
      ['a/x', 24.13],
      ['b/y', 7.5],
    ]);
  });
  it('has a name that the server takes, however long the space is', () => {
    expect(shippedName(parseQuestion(`table=a/x&latency_ms=25&space=${'s'.repeat(64)}`), chosen)).toHaveLength(64);
  });
});
