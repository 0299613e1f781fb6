// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { Finding, Target } from './findings';
import {
  acceptable,
  byEffect,
  chanceText,
  changeText,
  confirmedText,
  intervalText,
  sorted,
  valueText,
} from './findings';

const finding = (id: string, scope: Finding['scope'], ratio: number) => ({ id, scope, ratio }) as Finding;

describe('findings', () => {
  it('come with what is about most first, and the greatest effect first among equals', () => {
    const all = [
      finding('row', 'row', 1.5),
      finding('stage, a little', 'stage', 1.03),
      finding('subnet', 'subnet', 1.2),
      finding('device', 'device', 1.02),
      finding('stage, faster', 'stage', 0.9),
    ];
    expect(sorted(all).map(f => f.id)).toEqual(['device', 'stage, faster', 'stage, a little', 'row']);
  });
  it('have their rows by effect, whichever way it goes', () => {
    const rows = [1.02, 0.5, null, 1.9, 1].map(ratio => ({ ratio }));
    expect(byEffect(rows).map(r => r.ratio)).toEqual([0.5, 1.9, 1.02, null, 1]);
    expect(rows[0]?.ratio).toBe(1.02);
  });
  it('say sizes as percent', () => {
    expect(changeText(1.051)).toBe('+5.1 %');
    expect(changeText(null)).toBe('–');
    expect(changeText(0.9)).toBe('−10.0 %');
    expect(intervalText([1.046, 1.056])).toBe('+4.6 % to +5.6 %');
    expect(intervalText([1.02, null])).toBe('');
  });
  it('say chances with the digits that they have', () => {
    expect([0.0312, 0.00211, 2.4e-7, 1e-20, null].map(chanceText)).toEqual(['0.031', '0.0021', '2e-7', '< 1e-15', '–']);
  });
  it('say how often they were confirmed', () => {
    expect([0, 1, 2, 3].map(confirmedText)).toEqual([
      'not confirmed',
      'confirmed once',
      'confirmed twice',
      'confirmed 3 times',
    ]);
  });
  it('have values of fingerprints as text, whatever they are', () => {
    expect([null, undefined, 'powersave', 4, { a: 1 }].map(valueText)).toEqual([
      'not told',
      'not told',
      'powersave',
      '4',
      '{"a":1}',
    ]);
  });
});

describe('a level', () => {
  const target = (state: Target['state'], accepted: boolean) => ({ state, accepted }) as Target;
  const targets = [target('done', false), target('done', true), target('failed', false)];
  it('can be accepted of tables that were measured and are not accepted yet', () => {
    expect(acceptable({ state: 'done', targets })).toEqual([targets[0]]);
  });
  it('can not be accepted before the run has ended', () => {
    expect(acceptable({ state: 'running', targets })).toEqual([]);
    expect(acceptable({ state: 'cancelled', targets })).toEqual([]);
  });
});
