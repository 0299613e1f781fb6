// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import { OUTCOMES, countsText, looks, outcomeOf, worstOf } from './outcome';

describe('an outcome', () => {
  it('is what the run came to, or that it has not yet', () => {
    expect(outcomeOf({ state: 'done', outcome: 'regression' })).toBe('slower');
    expect(outcomeOf({ state: 'done', outcome: 'faster' })).toBe('faster');
    expect(outcomeOf({ state: 'running', outcome: null })).toBe('running');
    expect(outcomeOf({ state: 'cancelled', outcome: null })).toBe('cancelled');
  });
  it('of several is the worst, and of none is none', () => {
    const done = (outcome: 'unchanged' | 'incomplete' | 'faster') => ({ state: 'done' as const, outcome });
    expect(worstOf([done('unchanged'), done('incomplete'), done('faster')])).toBe('incomplete');
    expect(worstOf([])).toBe('none');
  });
  it('is told apart without colours', () => {
    const symbols = OUTCOMES.map(o => looks[o].symbol);
    expect(new Set(symbols).size).toBe(OUTCOMES.length);
  });
  it('counts what there is to tell, and nothing else', () => {
    expect(countsText({ counts: { slower: 0, faster: 0, subnets: 0, failed: 0 } })).toBe('');
    expect(countsText({ counts: { slower: 2, faster: 0, subnets: 1, failed: 3 } })).toBe(
      '2 slower, 1 shipped subnet, 3 tables failed',
    );
  });
});
