// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Measurements, looked at from a search. */
import type { Network } from '../../api/types';
import type { MeasuredSubnet } from './frontOption';
import type { Measurement, Subnet } from './queries';

/** The most points that are plotted: the newest. */
export const POINTS_MOST = 100;

/** Equal for equal subnets of a space. */
export function subnetKey(subnet: Subnet): string {
  return JSON.stringify([subnet.resolution, subnet.depth, subnet.kernel, subnet.expand, subnet.width]);
}

export function isOpen(measurement: { state: string }): boolean {
  return measurement.state === 'queued' || measurement.state === 'running';
}

/** The newest measurement of a subnet that has not been cancelled. @param list oldest first. */
export function latestOf(list: Measurement[], subnet: Subnet): Measurement | undefined {
  const key = subnetKey(subnet);
  return list.findLast(
    m => m.subnet && m.subnet.space === subnet.space && m.state !== 'cancelled' && subnetKey(m.subnet) === key,
  );
}

/** The last result of each subnet of a space, newest first. */
export function measuredSubnets(list: Measurement[], space: string): (Measurement & { subnet: Subnet })[] {
  const found = new Map<string, Measurement & { subnet: Subnet }>();
  for (const m of [...list].reverse()) {
    if (m.latency_ms === null || m.subnet?.space !== space || found.size >= POINTS_MOST) continue;
    const key = subnetKey(m.subnet);
    if (!found.has(key)) found.set(key, { ...m, subnet: m.subnet });
  }
  return [...found.values()];
}

/** As points of the plot. @param evaluations of the subnets, in their order. */
export function plotted(
  measured: (Measurement & { subnet: Subnet })[],
  evaluations: { top1: number | null; latency_ms: number }[],
): MeasuredSubnet[] {
  return measured.flatMap((m, i) => {
    const evaluation = evaluations[i];
    if (m.latency_ms === null || evaluation?.top1 == null) return [];
    const [low, high] = m.latency_ms_range ?? [];
    const range = low !== undefined && high !== undefined ? ([low, high] as const) : null;
    const { top1, latency_ms: predicted_ms } = evaluation;
    return [{ id: m.id, latency_ms: m.latency_ms, predicted_ms, range, top1 }];
  });
}

/** How the measuring of the catalog stands on a device. */
export interface CatalogState {
  /** Without a measurement that is done or under way. */
  missing: Network[];
  open: Measurement[];
}

export function catalogState(catalog: Network[], measuredNames: string[], list: Measurement[]): CatalogState {
  const done = new Set(measuredNames);
  const open = list.filter(m => m.network && isOpen(m));
  const openIds = new Set(open.map(m => m.network?.id));
  return { missing: catalog.filter(n => !done.has(n.name) && !openIds.has(n.id)), open };
}
