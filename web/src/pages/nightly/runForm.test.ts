// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { Profile, Run, TableSummary } from '../../api/types';
import type { RunForm } from './runForm';
import { commandOf, formErrors, splitConfigs, startForm, toRun } from './runForm';

const DEVICES = ['here', 'pi4'];
const SPACES = ['ofa-mbv3-w1.0', 'ofa-mbv3-w1.2'];
const start = (stock: Partial<Parameters<typeof startForm>[0]>) =>
  startForm({ runs: [], profiles: [], tables: [], spaces: SPACES, ...stock });
const form = (changes: Partial<RunForm> = {}): RunForm => ({ ...start({}), ...changes });
const table = (config: string) => ({ config }) as TableSummary;

describe('a run form', () => {
  it('begins with what there are tables of, but not with configs that nothing can be measured with', () => {
    const names = ['xnnpack-f32-t4-b1', 'tflite', 'xnnpack-f32-t1-b1', 'xnnpack-f32-t1-b1'];
    const first = start({ tables: names.map(table) });
    expect(first.configs).toEqual(['xnnpack-f32-t1-b1', 'xnnpack-f32-t4-b1']);
    expect(first.space).toBe('ofa-mbv3-w1.2');
    expect(formErrors(first, DEVICES)).toEqual({});
  });
  it('begins as the last run was', () => {
    const last = {
      space: 'ofa-mbv3-w1.0',
      resolutions: [160],
      targets: [{ config: 'xnnpack-int8-t1-b1' }, { config: 'xnnpack-int8-t1-b1' }],
    } as Run;
    expect(start({ runs: [last], tables: [table('xnnpack-f32-t1-b1')] })).toMatchObject({
      configs: ['xnnpack-int8-t1-b1'],
      space: 'ofa-mbv3-w1.0',
      resolutions: [160],
    });
    expect(start({ runs: [{ ...last, space: 'gone' }] }).space).toBe('ofa-mbv3-w1.2');
  });
  it('begins with the space that was profiled last, at what it was profiled at', () => {
    const profile = (space: string, resolutions: number[]) => ({ space, resolutions }) as Profile;
    const profiles = [
      profile('ofa-mbv3-w1.2', [192]),
      profile('ofa-mbv3-w1.0', [224]),
      profile('ofa-mbv3-w1.2', [160]),
    ];
    expect(start({ profiles })).toMatchObject({ space: 'ofa-mbv3-w1.2', resolutions: [160, 192] });
  });
  it('becomes what the API takes', () => {
    expect(toRun(form(), DEVICES)).toEqual({
      devices: 'all',
      config: ['xnnpack-f32-t1-b1'],
      space: 'ofa-mbv3-w1.2',
      budget_s: 1200,
      min_effect: 0.02,
    });
    const all = form({
      left: ['here'],
      resolutions: [192, 160],
      budget: '',
      baseline: 'run-1',
      minEffect: '1.2',
      label: 'x',
    });
    expect(toRun(all, DEVICES)).toEqual({
      devices: ['pi4'],
      config: ['xnnpack-f32-t1-b1'],
      space: 'ofa-mbv3-w1.2',
      resolutions: [160, 192],
      baseline: 'run-1',
      min_effect: 0.012,
      label: 'x',
    });
  });
  it('names what is wrong', () => {
    const bad = form({
      left: DEVICES,
      configs: ['xnnpack'],
      space: '',
      budget: '0',
      minEffect: 'x',
      label: 'x'.repeat(201),
    });
    expect(Object.keys(formErrors(bad, DEVICES)).sort()).toEqual([
      'budget',
      'configs',
      'label',
      'left',
      'minEffect',
      'space',
    ]);
    expect(formErrors(form({ configs: [] }), DEVICES).configs).toBe('At least one config.');
  });
  it('takes configs apart at commas and blanks', () => {
    expect(splitConfigs(' a,b  c, a,')).toEqual(['a', 'b', 'c']);
  });
  it('says the same as a command, safe to paste', () => {
    expect(commandOf(form(), DEVICES)).toBe(
      'lathe nightly --devices all --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --budget 20m',
    );
    const odd = form({ left: ['pi4'], budget: '', baseline: 'run-1', minEffect: '3', label: "it's; rm -rf" });
    expect(commandOf(odd, DEVICES)).toBe(
      "lathe nightly --devices here --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --baseline run-1 --min-effect 3% --label 'it'\\''s; rm -rf'",
    );
  });
});
