// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, test } from 'vitest';
import { parseLayer } from '../../components/layer';
import { SpaceMap, choicesOf, placeText, probes } from './places';

const document = {
  stages: [
    { channels: 16, depth: [1, 2] },
    { channels: 24, depth: [2], kernel: [3, 7] },
  ],
  kernel: [3, 5],
  expand: [3, 6],
};
const small = { id: 'small', family: 'inverted_residual', resolutions: [48, 64], document };
const layers = (size: number) => [
  `conv2d in=${size}x${size}x3 out=${size / 2}x${size / 2}x8 k=3 s=2 act=hswish`,
  `mbconv in=${size / 2}x${size / 2}x8 out=${size / 2}x${size / 2}x8 mid=8 k=3 s=1 act=relu res=1`,
  `mbconv in=${size / 2}x${size / 2}x8 out=${size / 4}x${size / 4}x16 mid=24 k=3 s=2 act=relu`,
  `mbconv in=${size / 4}x${size / 4}x16 out=${size / 4}x${size / 4}x16 mid=48 k=3 s=1 act=relu res=1`,
  `mbconv in=${size / 4}x${size / 4}x16 out=${size / 4}x${size / 4}x24 mid=48 k=3 s=1 act=relu se=16`,
  `mbconv in=${size / 4}x${size / 4}x24 out=${size / 4}x${size / 4}x24 mid=72 k=3 s=1 act=relu se=24 res=1`,
  `avgpool in=${size / 4}x${size / 4}x24 out=1x1x24`,
  'linear in=1x1x24 out=1x1x10',
];
const map = new SpaceMap(choicesOf(small));
for (const resolution of small.resolutions) map.add(resolution, [2, 2], layers(resolution));
const where = (text: string) => placeText(map.find(parseLayer(text)));

describe('a space', () => {
  test('has the choices of all its stages', () => {
    expect(choicesOf(small)).toMatchObject({ kernels: [3, 5, 7], expands: [3, 6], depths: [{ most: 2 }, { most: 2 }] });
  });
  test('is asked for by its deepest subnet', () => {
    expect(probes(choicesOf(small), 48, document)).toEqual([
      {
        subnet: { space: 'small', resolution: 48, depth: [2, 2], kernel: [3, 3, 3, 3], expand: [3, 3, 3, 3] },
        blocks: [2, 2],
      },
    ]);
  });
  test('with widths to choose from is asked for by every pair of them', () => {
    const bottleneck = {
      ...choicesOf(small),
      family: 'bottleneck',
      widths: [0.65, 1],
    };
    const asked = probes(bottleneck, 48, document).map(p => p.subnet['width'] as number[]);
    for (const pair of [
      [0.65, 0.65],
      [0.65, 1],
      [1, 0.65],
      [1, 1],
    ])
      expect(asked.some(w => w[1] === pair[0] && w[2] === pair[1])).toBe(true);
  });
});

describe('a row', () => {
  test('is found by its shapes, whatever was chosen for it', () => {
    expect(where('mbconv in=12x12x16 out=12x12x24 mid=96 k=5 s=1 act=relu se=24')).toBe('Stage 2, first block');
    expect(where('mbconv in=12x12x24 out=12x12x24 mid=144 k=7 s=1 act=relu se=40 res=1')).toBe('Stage 2');
  });
  test('knows its ratio', () => {
    const [known] = map.find(parseLayer('mbconv in=12x12x16 out=12x12x16 mid=96 k=5 s=1 act=relu res=1'));
    expect(known?.place.expand).toBe(6);
  });
  test('outside stages has to be the same', () => {
    expect(where('conv2d in=48x48x3 out=24x24x8 k=3 s=2 act=hswish')).toBe('Stem');
    expect(where('mbconv in=24x24x8 out=24x24x8 mid=8 k=3 s=1 act=relu res=1')).toBe('First block');
    expect(where('linear in=1x1x24 out=1x1x10')).toBe('Head');
    expect(where('linear in=1x1x24 out=1x1x1000')).toBe('');
  });
  test('with a ratio or a kernel that the space does not have belongs nowhere', () => {
    expect(where('mbconv in=12x12x16 out=12x12x24 mid=64 k=3 s=1 act=relu se=16')).toBe('');
    expect(where('mbconv in=12x12x16 out=12x12x24 mid=48 k=9 s=1 act=relu se=16')).toBe('');
  });
  test('without squeeze-excite is no row of a stage that has it', () => {
    expect(where('mbconv in=12x12x16 out=12x12x24 mid=48 k=3 s=1 act=relu')).toBe('');
  });
  test('that several resolutions share has all of them, and a marked one its own', () => {
    expect(map.find(parseLayer('linear in=1x1x24 out=1x1x10'))[0]?.resolutions).toEqual([48, 64]);
    expect(map.find(parseLayer('linear in=1x1x24 out=1x1x10 @64'))[0]?.resolutions).toEqual([64]);
    expect(map.find(parseLayer('linear in=1x1x24 out=1x1x10 @80'))).toEqual([]);
  });
});
