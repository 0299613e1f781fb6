// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What subnets cost, as the API names it and as people read it. */
import { ms } from '../../components/format';

export const COSTS = [
  'latency_ms',
  'macs_m',
  'params_m',
  'peak_activation_kb',
  'weights_kb',
  'sram_kb',
  'flash_kb',
] as const;
export type Cost = (typeof COSTS)[number];
/** All but latency, which each table has its own of. */
export const OTHER_COSTS = ['macs_m', 'params_m', 'peak_activation_kb', 'weights_kb', 'sram_kb', 'flash_kb'] as const;
export type OtherCost = (typeof OTHER_COSTS)[number];
export type CostObjective = 'latency' | 'macs' | 'params' | 'peak_activation' | 'weights' | 'sram' | 'flash';
export type Objective = 'top1' | CostObjective;
/** The costs of one subnet. */
export type CostValues = Record<Cost, number>;

interface CostWords {
  label: string;
  unit: string;
  objective: CostObjective;
  /** A figure without its unit. */
  text: (value: number) => string;
}

const whole = (value: number) => value.toFixed(0);
const tenths = (value: number) => value.toFixed(value < 100 ? 1 : 0);

export const costs: Record<Cost, CostWords> = {
  latency_ms: { label: 'Latency', unit: 'ms', objective: 'latency', text: ms },
  macs_m: { label: 'MACs', unit: 'M', objective: 'macs', text: tenths },
  params_m: { label: 'Parameters', unit: 'M', objective: 'params', text: value => value.toFixed(2) },
  peak_activation_kb: { label: 'Peak activations', unit: 'KiB', objective: 'peak_activation', text: whole },
  weights_kb: { label: 'Flash for weights', unit: 'KiB', objective: 'weights', text: whole },
  sram_kb: { label: 'SRAM of a board', unit: 'KiB', objective: 'sram', text: tenths },
  flash_kb: { label: 'Flash of a board', unit: 'KiB', objective: 'flash', text: tenths },
};

/** What the API tells of a subnet with a layer that the firmware has no kernel for. */
const NEVER_KB = 1e11;

/** No board runs it, however much memory it has. */
export function neverFits(cost: Cost, value: number): boolean {
  return cost === 'sram_kb' && value > NEVER_KB;
}

export function isCost(text: string | null): text is Cost {
  return (COSTS as readonly (string | null)[]).includes(text);
}

/** The cost that an objective is about; undefined: top-1. */
export function costOf(objective: Objective): Cost | undefined {
  return COSTS.find(cost => costs[cost].objective === objective);
}

/** @param ofLatency the unit of the table's latencies (components/unit.ts). */
export function costUnit(cost: Cost, ofLatency: string): string {
  return cost === 'latency_ms' ? ofLatency : costs[cost].unit;
}

/** A figure with its unit: "5.835 ms". */
export function costText(cost: Cost, value: number, ofLatency: string): string {
  return neverFits(cost, value) ? 'fits none' : `${costs[cost].text(value)} ${costUnit(cost, ofLatency)}`;
}

function significant(value: number, digits: number, round: (x: number) => number): number {
  if (!(value > 0)) return 0;
  const size = 10 ** (Math.floor(Math.log10(value)) + 1 - digits);
  // Powers of ten below one are not exact: the figure is written and read back.
  return Number((round(value / size) * size).toPrecision(digits + 1));
}

/** Rounded up, so that a limit that is set to it lets through what the figure belongs to. */
export function roundUp(value: number, digits = 4): number {
  const up = significant(value, digits, Math.ceil);
  return up < value ? significant(value * (1 + 10 ** -digits), digits, Math.ceil) : up;
}

export function roundOff(value: number, digits = 4): number {
  return significant(value, digits, Math.round);
}
