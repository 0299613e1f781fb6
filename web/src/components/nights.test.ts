// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { ChartColours } from './chartTheme';
import type { Night } from './nights';
import { changeSentence, nightsOption, notesOf, stepText } from './nights';

const night = (changes: Partial<Night> = {}): Night => ({
  run: 'run-1',
  at: '2026-11-24T03:00:00Z',
  version: 2147483648,
  accepted: false,
  outcome: 'unchanged',
  fingerprint_changed: false,
  latency_ms: 2,
  range_ms: [1.9, 2.2],
  count: 9,
  ...changes,
});
const colours = { series: ['blue'], good: 'green', warn: 'yellow', bad: 'red', text: 'black' } as ChartColours;
const change = { run: 'run-2', at: '2026-11-25T03:00:00Z', index: 1, ratio: 1.051, p: 3e-7 };

interface Series {
  data: unknown[];
  markLine?: { data: unknown[] };
}

describe('a history of nights', () => {
  const nights = [
    night({ accepted: true }),
    night({ range_ms: null, latency_ms: 3 }),
    night({ fingerprint_changed: true }),
  ];
  const { series } = nightsOption(colours, { nights, changes: [change] }, 'ms') as { series: Series[] };
  it('has the interval as a band, of no height where none is known', () => {
    expect(series[0]?.data).toEqual([1.9, 3, 1.9]);
    expect((series[1]?.data as number[]).map(h => Number(h.toFixed(6)))).toEqual([0.3, 0, 0.3]);
  });
  it('has a line at each change point that says how much it was', () => {
    expect(series[2]?.markLine?.data).toEqual([
      { name: '+5.1 %', xAxis: 1, lineStyle: { color: 'red', type: 'dashed' } },
    ]);
  });
  it('has other shapes for accepted levels and other fingerprints', () => {
    expect((series[2]?.data as { symbol: string }[]).map(p => p.symbol)).toEqual(['diamond', 'circle', 'triangle']);
  });
  it('is told in words, too', () => {
    expect(stepText(0.98)).toBe('−2.0 %');
    expect(changeSentence(change)).toMatch(/^from 2026-11-2\d \d\d:\d\d on \+5\.1 % \(p = 3e-7\)$/);
    expect(notesOf(night({ accepted: true, fingerprint_changed: true }))).toBe(
      'unchanged, accepted, another fingerprint',
    );
  });
});
