// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, test } from 'vitest';
import { parseLayer } from '../../components/layer';
import { compareTables, halfWidth, quantile } from './compare';
import type { Row } from './csv';

function row(text: string, latency: number, more: Partial<Row> = {}): Row {
  const none = { mean: null, std: null, min: null, p50: null, p90: null, ci: null };
  return { text, layer: parseLayer(text), count: 10, latency, contexts: 1, alone: false, ...none, ...more };
}
const A = 'linear in=1x1x8 out=1x1x4';
const B = 'linear in=1x1x8 out=1x1x5';

describe('two tables', () => {
  test('meet by their texts; what only one has is told apart', () => {
    const c = compareTables([row(A, 2), row(B, 1)], [row(A, 3), row('linear in=1x1x8 out=1x1x6', 1)]);
    expect(c.pairs.map(p => [p.text, p.ratio])).toEqual([[A, 1.5]]);
    expect([c.onlyA.length, c.onlyB.length]).toEqual([1, 1]);
    expect(c.ratios?.median).toBe(1.5);
  });
  test('differ significantly when their intervals lie apart', () => {
    const wide = compareTables([row(A, 1, { ci: 0.3 })], [row(A, 1.5, { ci: 0.3 })]);
    const narrow = compareTables([row(A, 1, { ci: 0.2 })], [row(A, 1.5, { ci: 0.2 })]);
    expect(wide.pairs[0]?.significant).toBe(false);
    expect(narrow.pairs[0]?.significant).toBe(true);
    expect([narrow.faster, narrow.slower]).toEqual([0, 1]);
  });
  test('without intervals tell nothing about significance', () => {
    const c = compareTables([row(A, 1)], [row(A, 2, { ci: 0.1 })]);
    expect([c.pairs[0]?.significant, c.unsure, c.faster, c.slower]).toEqual([null, 1, 0, 0]);
  });
  test('meet where one holds for a resolution and the other for any, in both directions', () => {
    const marked = [row(`${A} @160`, 4), row(`${A} @224`, 8)];
    const forth = compareTables([row(A, 2)], marked);
    expect(forth.pairs.map(p => [p.text, p.ratio])).toEqual([
      [`${A} @160`, 2],
      [`${A} @224`, 4],
    ]);
    const back = compareTables(marked, [row(A, 2)]);
    expect(back.pairs.map(p => p.ratio)).toEqual([0.5, 0.25]);
    expect([forth.onlyA, forth.onlyB, back.onlyA, back.onlyB].flat()).toEqual([]);
  });
  test('with nothing in common have no ratio', () => expect(compareTables([row(A, 1)], []).ratios).toBeNull());
});

test('half an interval comes from deviation and count where a source gives no other', () => {
  expect(halfWidth(row(A, 1, { ci: 0.5, std: 9 }))).toBe(0.5);
  expect(halfWidth(row(A, 1, { std: 1, count: 4 }))).toBeCloseTo(0.98);
  expect(halfWidth(row(A, 1, { std: 1, count: 1 }))).toBeNull();
});

test('quantiles lie between figures', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([5], 0.9)).toBe(5);
});
