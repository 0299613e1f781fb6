// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import { blockText, drawStages, heightOf, widthText } from './drawing';
import type { SpaceDetail, SubnetAnswer } from './queries';

/** Two stages of at most three blocks; the subnet has two and one. */
const space = {
  document: { family: 'inverted_residual', stages: [{ depth: [1, 2, 3] }, { depth: [1, 3] }] },
} as unknown as SpaceDetail;

const layers = [
  { slot: 'stem', layer: 'conv2d in=64x64x3 out=32x32x8 k=3 s=2 act=hswish', latency_ms: 1 },
  { slot: 'first', layer: 'mbconv in=32x32x8 out=32x32x8 mid=8 k=3 s=1 act=relu res=1', latency_ms: 1 },
  { slot: 'stage1.block1', layer: 'mbconv in=32x32x8 out=16x16x16 mid=24 k=5 s=2 act=relu', latency_ms: 2 },
  { slot: 'stage1.block2', layer: 'mbconv in=16x16x16 out=16x16x16 mid=96 k=7 s=1 act=relu res=1', latency_ms: 3 },
  { slot: 'stage2.block1', layer: 'mbconv in=16x16x16 out=8x8x24 mid=64 k=3 s=2 act=relu se=16', latency_ms: 2 },
  { slot: 'head1.conv2d', layer: 'conv2d in=8x8x24 out=8x8x64 k=1 s=1 act=hswish', latency_ms: 0.5 },
  { slot: 'head2.avgpool', layer: 'avgpool in=8x8x64 out=1x1x64', latency_ms: 0.25 },
  { slot: 'head3.linear', layer: 'linear in=1x1x64 out=1x1x10', latency_ms: 0.25 },
];
const answer = {
  latency_ms: 10,
  layers,
  subnet: { resolution: 64, depth: [2, 1], kernel: [5, 7, 0, 3, 0, 0], expand: [3, 6, 0, 4, 0, 0] },
} as unknown as SubnetAnswer;

describe('widths', () => {
  it('are told once where they are one, and not at all where there is no choice', () => {
    expect(widthText({})).toBeNull();
    expect(widthText({ width: [0.5] })).toBe('width × 0.5');
    expect(widthText({ width: [0.65, 0.65] })).toBe('width × 0.65');
    expect(widthText({ width: [1, 0.8] })).toBe('widths × 1, 0.8');
  });
});

describe('a subnet as stages', () => {
  const stages = drawStages(answer, space);
  it('has stem, stages and head in order, each with the time of its blocks', () => {
    expect(stages.map(s => [s.name, s.blocks.length, s.latency_ms])).toEqual([
      ['Stem', 2, 2],
      ['Stage 1', 2, 5],
      ['Stage 2', 1, 2],
      ['Head', 3, 1],
    ]);
    expect(stages.reduce((sum, s) => sum + s.share, 0)).toBeCloseTo(1, 12);
  });
  it('tells kernel and expand ratio of the right block, past those that are skipped', () => {
    expect(stages.flatMap(s => s.blocks.map(b => [b.label, b.expand]))).toEqual([
      ['3×3', null],
      ['3×3', null],
      ['5×5', 3],
      ['7×7', 6],
      ['3×3', 4],
      ['1×1', null],
      ['Avg pool', null],
      ['Linear', null],
    ]);
  });
  it('says how many blocks are left out, what a stage ends with and where squeeze-excite is', () => {
    expect(stages.map(s => s.skipped)).toEqual([0, 1, 2, 0]);
    expect(stages.map(s => s.output)).toEqual(['32x32x8', '16x16x16', '8x8x24', '1x1x10']);
    expect(stages.map(s => s.squeezeExcite)).toEqual([false, false, true, false]);
  });
  it('draws the largest expand ratio highest', () => {
    const heights = stages.flatMap(s => s.blocks.map(b => heightOf(b, stages)));
    expect(heights.slice(2, 5)).toEqual([0.5, 1, 4 / 6]);
  });
  it('names blocks for those who do not see them', () => {
    expect(stages[1]?.blocks.map(blockText)).toEqual([
      'stage1.block1, MBConv, kernel 5×5, expand 3',
      'stage1.block2, MBConv, kernel 7×7, expand 6',
    ]);
  });
  it('is drawn without its space, too', () => {
    const bare = drawStages(answer, undefined);
    expect(bare.map(s => s.latency_ms)).toEqual([2, 5, 2, 1]);
    expect(bare.every(s => s.skipped === 0)).toBe(true);
  });
});
