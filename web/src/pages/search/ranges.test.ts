// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { FrontPoint, Least } from './queries';
import { STEPS, bestWithin, firstLimit, limitAt, positionOf, rangesOf } from './ranges';

const point = (latency_ms: number, top1: number, macs_m: number) =>
  ({
    latency_ms,
    top1,
    macs_m,
    params_m: 5,
    peak_activation_kb: 900,
    weights_kb: 4000,
    sram_kb: 250,
    flash_kb: 1100,
  }) as FrontPoint;
const least: Least = {
  latency: [3.3231590683938963],
  others: {
    macs_m: 100.320888,
    params_m: 4.59,
    peak_activation_kb: 2400,
    weights_kb: 17955.9,
    sram_kb: 300,
    flash_kb: 4700,
  },
};
const points = [point(3.4, 0.75, 110), point(8, 0.81, 300), point(33.3141, 0.833, 290)];

describe('the range of a limit', () => {
  const ranges = rangesOf(least, points, ['a/b']);
  const latency = ranges.latency[0] ?? { min: 0, max: 0 };
  it('goes from the least of all subnets to what the most accurate ones take', () => {
    expect(latency).toEqual({ min: 3.3231590683938963, max: 33.3141 });
    expect(ranges.others.macs_m).toEqual({ min: 100.320888, max: 300 });
    expect(ranges.others.peak_activation_kb).toEqual({ min: 2400, max: 2400 });
    expect(ranges.top1).toEqual({ min: 0.75, max: 0.833 });
  });
  it('can be met at every position of its slider, and its end lets all through', () => {
    for (let at = 0; at <= STEPS; at++) expect(limitAt(at, latency)).toBeGreaterThanOrEqual(latency.min);
    expect(limitAt(STEPS, latency)).toBeGreaterThanOrEqual(latency.max);
    expect(firstLimit(latency)).toBeGreaterThan(latency.min);
  });
  it('has its slider back where it was set', () => {
    for (const at of [0, 1, 137, 399, STEPS])
      expect(Math.abs(positionOf(limitAt(at, latency), latency) - at)).toBeLessThanOrEqual(1);
    expect(positionOf(1, latency)).toBe(0);
    expect(positionOf(1000, latency)).toBe(STEPS);
  });
  it('of one figure has its slider at the end', () => {
    expect(positionOf(2400, { min: 2400, max: 2400 })).toBe(STEPS);
    expect(limitAt(7, { min: 2400, max: 2400 })).toBe(2400);
  });
});

describe('the best of a front within a limit', () => {
  it('is the most accurate that costs no more', () => {
    expect(bestWithin(points, 'latency_ms', 8)?.top1).toBe(0.81);
    expect(bestWithin(points, 'macs_m', 299)?.top1).toBe(0.833);
    expect(bestWithin(points, 'latency_ms', 3)).toBeUndefined();
  });
});
