// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, test } from 'vitest';
import { histogram, jitter, spreadOf } from './histogram';

describe('a histogram', () => {
  test('counts every sample once, the largest too', () => {
    const values = Array.from({ length: 200 }, (_, i) => 1 + (i % 17) / 10);
    const made = histogram(values);
    expect(made?.counts.reduce((a, b) => a + b, 0)).toBe(200);
    expect((made?.from ?? 0) + (made?.width ?? 0) * (made?.counts.length ?? 0)).toBeCloseTo(2.6);
  });
  test('of one value, and of equal ones, has one bin that is not empty of width', () => {
    for (const values of [[3], [3, 3, 3]]) {
      const made = histogram(values);
      expect(made?.counts).toEqual([values.length]);
      expect(made?.width).toBeGreaterThan(0);
    }
  });
  test('of far outliers stays drawable', () => {
    const made = histogram([...Array.from({ length: 100 }, (_, i) => 1 + i / 1000), 500]);
    expect(made?.counts.length).toBe(60);
  });
  test('of nothing is none', () => expect(histogram([])).toBeNull());
});

test('jitter stays in its strip', () => {
  const all = Array.from({ length: 1000 }, (_, i) => jitter(i));
  expect(Math.max(...all.map(Math.abs))).toBeLessThanOrEqual(0.4);
});

test('a spread leaves out what is unknown', () => {
  expect(spreadOf([null, 3, 1, null, 2])).toEqual({ least: 1, median: 2, most: 3 });
  expect(spreadOf([null])).toBeNull();
});
