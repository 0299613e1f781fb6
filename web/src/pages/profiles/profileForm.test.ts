// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { ProfileForm } from './profileForm';
import { commandOf, configOf, formErrors, fromQuery, parseConfig, toProfile } from './profileForm';

const LINK = 'device=pi4&config=onednn-int8-t4-b8&space=ofa-mbv3-w1.2&resolutions=224,160';
const form = (changes: Partial<ProfileForm> = {}) => ({ ...fromQuery(new URLSearchParams(LINK)), ...changes });

describe('a config', () => {
  it('is made of its parts and taken apart again', () => {
    const parts = { runtime: 'my-runtime.2', dtype: 'int8' as const, threads: '4', batch: '16' };
    expect(configOf(parts)).toBe('my-runtime.2-int8-t4-b16');
    expect(parseConfig('my-runtime.2-int8-t4-b16')).toEqual(parts);
  });
  it('of other shapes can not be measured', () => {
    for (const text of ['', 'tflite', 'xnnpack-f16-t1-b1', 'xnnpack-f32-t0-b1', 'xnnpack-f32-t1-b100', '-f32-t1-b1'])
      expect(parseConfig(text)).toBeNull();
  });
});

describe('a profile form', () => {
  it('is filled by a link, and becomes what the API takes', () => {
    expect(formErrors(form())).toEqual({});
    expect(toProfile(form({ ci: '1.2', budget: '1.5' }))).toEqual({
      device: 'pi4',
      config: 'onednn-int8-t4-b8',
      space: 'ofa-mbv3-w1.2',
      resolutions: [160, 224],
      ci: 0.012,
      budget_s: 90,
      held_out: 10,
    });
  });
  it('has sensible defaults where a link says nothing', () => {
    const bare = fromQuery(new URLSearchParams());
    expect(configOf(bare)).toBe('xnnpack-f32-t1-b1');
    expect(Object.keys(formErrors(bare))).toEqual(['device', 'space', 'resolutions']);
  });
  it('names what is wrong', () => {
    expect(Object.keys(formErrors(form({ threads: '0', batch: '1.5', ci: '', budget: 'x' })))).toEqual([
      'threads',
      'batch',
      'ci',
      'budget',
    ]);
    expect(formErrors(form({ runtime: 'a b' })).runtime).toBeDefined();
    expect(formErrors(form({ heldOut: '0' })).heldOut).toBeUndefined();
    expect(formErrors(form({ heldOut: '0', calibrate: true })).heldOut).toBeDefined();
  });
  it('is a command, too', () => {
    expect(commandOf(form({ calibrate: true, budget: '5' }))).toBe(
      'lathe profile pi4 --config onednn-int8-t4-b8 --space ofa-mbv3-w1.2 --resolutions 160,224 --budget 5m --calibrate --wait',
    );
  });
});
