// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { Profile } from '../../api/types';
import { canGoOn, ending, shareOf, summary } from './progress';

const base = { rows_done: 12, rows_total: 96, visits_total: 40, ci: 0.02, rows_wide: null } as Profile;
const profile = (changes: Partial<Profile>): Profile => ({ ...base, ...changes });

describe('a profile', () => {
  it('tells how far it is', () => {
    expect(summary(profile({ state: 'running', eta_s: 65 }))).toBe('12 of 96 rows, 1 min 05 s left');
    expect(summary(profile({ state: 'running', eta_s: null }))).toBe('12 of 96 rows, time left not known yet');
    expect(summary(profile({ state: 'cancelled', elapsed_s: 9 }))).toBe('12 of 96 rows, in 9 s');
    expect(summary(profile({ state: 'done', visits_total: 0, elapsed_s: null }))).toBe('nothing was missing');
  });
  it('is done when it says so, and not known before it is', () => {
    expect(shareOf(profile({ state: 'done', progress: null }))).toBe(1);
    expect(shareOf(profile({ state: 'queued', progress: null }))).toBeNull();
  });
  it('goes on by the same request where something is missing', () => {
    expect(canGoOn(profile({ state: 'failed' }))).toBe(true);
    expect(canGoOn(profile({ state: 'done', stopped_by: 'budget' }))).toBe(true);
    expect(canGoOn(profile({ state: 'done', stopped_by: 'ci' }))).toBe(false);
    expect(canGoOn(profile({ state: 'running' }))).toBe(false);
  });
  it('says why it ended where not all is as asked', () => {
    expect(ending(profile({ state: 'done', stopped_by: 'ci', rows_wide: 0 }))).toBeNull();
    expect(ending(profile({ state: 'done', stopped_by: 'budget', rows_wide: 1 }))).toBe(
      'The device time was used up: 1 row stayed wider than ± 2.0 %.',
    );
    expect(ending(profile({ state: 'done', stopped_by: 'rounds', rows_wide: 3 }))).toContain('3 rows stayed wider');
  });
});
