// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, test } from 'vitest';
import { parseLayer } from '../../components/layer';
import type { PlacedRow } from './filter';
import { heatBlocks, heatOf } from './heat';

function row(text: string, stage: number | null, first: boolean, expand: number | null, latency: number): PlacedRow {
  const none = { mean: null, std: null, min: null, p50: null, p90: null, ci: null };
  const place = { part: stage === null ? 'Head' : `Stage ${stage}`, stage, first, expand };
  return {
    text,
    layer: parseLayer(text),
    count: 1,
    latency,
    contexts: 1,
    alone: false,
    ...none,
    index: 0,
    places: [{ place, resolutions: [160] }],
    doubt: null,
  };
}
const rows = [
  row('mbconv in=40x40x32 out=20x20x48 mid=96 k=3 s=2 act=relu', 2, true, 3, 4),
  row('mbconv in=80x80x24 out=40x40x32 mid=72 k=3 s=2 act=relu', 1, true, 3, 2),
  row('mbconv in=40x40x32 out=40x40x32 mid=192 k=5 s=1 act=relu res=1', 1, false, 6, 8),
  row('mbconv in=80x80x24 out=40x40x32 mid=144 k=5 s=2 act=relu', 1, true, 6, 3),
  row('linear in=1x1x8 out=1x1x4', null, false, null, 9),
];

describe('heat maps', () => {
  const blocks = heatBlocks(rows, 160, [3, 5], [3, 6]);
  test('are one for each place, from the input on', () => {
    expect(blocks.map(b => `${b.part}${b.first ? ' first' : ''}`)).toEqual([
      'Stage 1 first',
      'Stage 1',
      'Stage 2 first',
    ]);
  });
  test('say which choices are missing', () => {
    expect(blocks[0]?.cells.map(line => line.map(c => c.row?.latency ?? null))).toEqual([
      [2, null],
      [null, 3],
    ]);
    expect([blocks[0]?.least, blocks[0]?.most]).toEqual([2, 3]);
  });
  test('have nothing of other resolutions', () => expect(heatBlocks(rows, 224, [3], [3])).toEqual([]));
});

test('heat goes by ratio', () => {
  expect([heatOf(1, 1, 4), heatOf(2, 1, 4), heatOf(4, 1, 4)]).toEqual([0, 0.5, 1]);
  expect(heatOf(3, 3, 3)).toBe(0);
});
