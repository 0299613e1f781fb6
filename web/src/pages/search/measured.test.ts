// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { Network } from '../../api/types';
import { catalogState, latestOf, measuredSubnets, plotted } from './measured';
import type { Measurement, Subnet } from './queries';

const small: Subnet = { space: 's', resolution: 64, depth: [1], kernel: [3], expand: [3] };
const large: Subnet = { ...small, kernel: [5] };

function measurement(id: string, changes: Partial<Measurement>): Measurement {
  return { id, state: 'done', latency_ms: 1, latency_ms_range: [0.9, 1.1], ...changes } as Measurement;
}

describe('measurements of a subnet', () => {
  const list = [
    measurement('m-1', { subnet: small, latency_ms: 1 }),
    measurement('m-2', { subnet: large, latency_ms: 2 }),
    measurement('m-3', { subnet: small, latency_ms: 3 }),
    measurement('m-4', { subnet: small, latency_ms: null, state: 'cancelled' }),
    measurement('m-5', { subnet: { ...small, space: 'other' }, latency_ms: 5 }),
    measurement('m-6', { latency_ms: 6 }),
  ];
  it('are told by its choices and its space, the newest that was not cancelled', () => {
    expect(latestOf(list, small)?.id).toBe('m-3');
    expect(latestOf(list, { ...small, resolution: 48 })).toBeUndefined();
  });
  it('are plotted once a subnet, at the top-1 that is predicted', () => {
    const measured = measuredSubnets(list, 's');
    expect(measured.map(m => m.id)).toEqual(['m-3', 'm-2']);
    const evaluations = [
      { top1: 0.7, latency_ms: 2.5 },
      { top1: 0.8, latency_ms: 2.1 },
    ];
    expect(plotted(measured, evaluations)).toEqual([
      { id: 'm-3', latency_ms: 3, predicted_ms: 2.5, range: [0.9, 1.1], top1: 0.7 },
      { id: 'm-2', latency_ms: 2, predicted_ms: 2.1, range: [0.9, 1.1], top1: 0.8 },
    ]);
    expect(plotted(measured, [])).toEqual([]);
  });
});

describe('the catalog', () => {
  const catalog = [
    { name: 'a', id: '1' },
    { name: 'b', id: '2' },
    { name: 'c', id: '3' },
  ] as Network[];
  it('lacks what is neither measured nor under way', () => {
    const network = (name: string, id: string) => ({ name, resolution: 224, id });
    const list = [
      measurement('m-1', { network: network('a', '1') }),
      measurement('m-2', { network: network('b', '2'), state: 'queued', latency_ms: null }),
      measurement('m-3', { network: network('c', '3'), state: 'failed', latency_ms: null }),
      measurement('m-4', { subnet: small, state: 'running', latency_ms: null }),
    ];
    const state = catalogState(catalog, ['a'], list);
    expect(state.missing.map(n => n.name)).toEqual(['c']);
    expect(state.open.map(m => m.id)).toEqual(['m-2']);
  });
});
