// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import { parseLayer } from './layer';

describe('a row text', () => {
  it('gives all of its attributes', () => {
    expect(parseLayer('mbconv in=20x20x48 out=20x20x48 mid=144 k=3 s=1 act=relu se=40 res=1 @160')).toMatchObject({
      kind: 'mbconv',
      input: '20x20x48',
      output: '20x20x48',
      mid: 144,
      kernel: 3,
      stride: 1,
      activation: 'relu',
      se: 40,
      residual: true,
      resolution: 160,
    });
  });
  it('leaves what it lacks unknown', () => {
    expect(parseLayer('avgpool in=5x5x1152 out=1x1x1152')).toMatchObject({
      mid: null,
      kernel: null,
      activation: null,
      se: null,
      residual: false,
      resolution: null,
    });
  });
});
