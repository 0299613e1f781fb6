// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What limits may be: from the least that any subnet has to what the most accurate ones take. */
import type { Cost, OtherCost } from './costs';
import { OTHER_COSTS, roundOff, roundUp } from './costs';
import type { Least } from './queries';

export interface Range {
  min: number;
  max: number;
}

export interface Ranges {
  /** One a table. */
  latency: Range[];
  others: Record<OtherCost, Range>;
  /** null: nothing predicts it. */
  top1: Range | null;
}

function range(min: number, values: number[]): Range {
  return { min, max: Math.max(min, ...values) };
}

type Point = Record<Cost, number> & { top1: number | null; latencies_ms?: Record<string, number> };

/** @param points of the front of all subnets; of a space without a predictor, the largest subnet. */
export function rangesOf(least: Least, points: Point[], tables: string[]): Ranges {
  const top1 = points.map(p => p.top1).filter(value => value !== null);
  return {
    latency: tables.map((table, i) =>
      range(
        least.latency[i] ?? 0,
        points.map(p => p.latencies_ms?.[table] ?? p.latency_ms),
      ),
    ),
    others: Object.fromEntries(
      OTHER_COSTS.map(cost => [
        cost,
        range(
          least.others[cost],
          points.map(p => p[cost]),
        ),
      ]),
    ) as Ranges['others'],
    top1: top1.length > 0 ? { min: Math.min(...top1), max: Math.max(...top1) } : null,
  };
}

/** A latency to begin with: in the lower half, where limits bite. */
export function firstLimit({ min, max }: Range): number {
  return Math.max(roundOff(min * (max / min) ** 0.4, 2), roundUp(min));
}

/** To begin with, to three decimals. */
export function middleOf({ min, max }: Range): number {
  return Math.round((min + max) * 500) / 1000;
}

/** Positions of a slider. Equal steps are equal ratios: what is gained by a millisecond is most at the lower end. */
export const STEPS = 400;

/** The limit at a position; the last one is the range's end, rounded up. */
export function limitAt(position: number, { min, max }: Range): number {
  if (position >= STEPS || !(min > 0 && max > min)) return roundUp(max);
  return Math.max(roundOff(min * (max / min) ** (position / STEPS)), roundUp(min));
}

export function positionOf(limit: number, { min, max }: Range): number {
  if (!(min > 0 && max > min)) return STEPS;
  const within = Math.min(max, Math.max(min, limit));
  return Math.round((Math.log(within / min) / Math.log(max / min)) * STEPS);
}

/** The most accurate of a front's points that cost no more; undefined: all cost more. */
export function bestWithin<P extends Record<Cost, number> & { top1: number }>(points: P[], cost: Cost, limit: number) {
  return points
    .filter(p => p[cost] <= limit)
    .reduce<P | undefined>((a, b) => (a && a.top1 >= b.top1 ? a : b), undefined);
}
