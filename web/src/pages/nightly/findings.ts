// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Findings of a run as people read them: the widest first, sizes as percent. */
import type { Run } from '../../api/types';
import { percent } from '../../components/format';

export type Target = Run['targets'][number];
export type Finding = Run['findings'][number];
export type FindingRow = NonNullable<Finding['rows']>[number];

export const SCOPES: Finding['scope'][] = ['device', 'kind', 'stage', 'row', 'subnet'];

export function tableOf(of: { device: string; config: string }): string {
  return `${of.device}/${of.config}`;
}

/** 1.051 is "+5.1 %", 0.9 is "−10.0 %". */
export function changeText(ratio: number | null): string {
  return ratio === null ? '–' : `${ratio < 1 ? '−' : '+'}${percent(Math.abs(ratio - 1))}`;
}

/** "+4.6 % to +5.6 %"; '': it is not known. */
export function intervalText(interval: readonly (number | null)[]): string {
  const [low, high] = interval;
  return low == null || high == null ? '' : `${changeText(low)} to ${changeText(high)}`;
}

/** Chances: 0.031, 0.0021, "3e-7", "< 1e-15" where there are no digits left to tell. */
export function chanceText(p: number | null): string {
  if (p === null || !Number.isFinite(p)) return '–';
  if (p < 1e-15) return '< 1e-15';
  return p < 1e-3 ? p.toExponential(0) : String(Number(p.toPrecision(2)));
}

/** How far from 1, whichever way: half the time is as much as twice the time. 0: not known. */
export function effectOf(of: { ratio: number | null }): number {
  return of.ratio === null ? 0 : Math.abs(Math.log(of.ratio));
}

/** What is about most first: the device, kinds, stages, rows; of each the greatest effect first. Subnets are shown by
 *  themselves. */
export function sorted(findings: readonly Finding[]): Finding[] {
  return findings
    .filter(f => f.scope !== 'subnet')
    .sort((a, b) => SCOPES.indexOf(a.scope) - SCOPES.indexOf(b.scope) || effectOf(b) - effectOf(a));
}

/** Greatest effect first. */
export function byEffect<R extends { ratio: number | null }>(rows: readonly R[]): R[] {
  return [...rows].sort((a, b) => effectOf(b) - effectOf(a));
}

/** Targets that run on something else than their baseline did: the likely causes. */
export function causes(targets: readonly Target[]): Target[] {
  return targets.filter(t => t.fingerprint.length > 0);
}

/** A fingerprint's value: text as it is, anything else as JSON. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'not told';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** How often a finding was measured again: "confirmed twice". */
export function confirmedText(times: number): string {
  if (times <= 0) return 'not confirmed';
  if (times === 1) return 'confirmed once';
  return times === 2 ? 'confirmed twice' : `confirmed ${times} times`;
}

/** Tables whose level can be accepted: measured to the end, and not accepted yet. */
export function acceptable(run: Pick<Run, 'state' | 'targets'>): Target[] {
  return run.state === 'done' ? run.targets.filter(t => t.state === 'done' && !t.accepted) : [];
}
