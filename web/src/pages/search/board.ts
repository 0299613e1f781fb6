// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What boards limit by themselves: searches on their tables hold it where a question does not say otherwise. */
import type { Device } from '../../api/types';
import type { OtherCost } from './costs';

export type BoardLimits = Partial<Record<OtherCost, number>>;

const KB = 1024;

/** The least of what the boards among the devices have: the firmware's arena, and the flash beside the firmware. */
export function boardLimits(devices: Pick<Device, 'name' | 'board'>[], names: string[]): BoardLimits {
  const boards = devices.filter(d => names.includes(d.name)).flatMap(d => d.board ?? []);
  if (boards.length === 0) return {};
  return {
    sram_kb: Math.min(...boards.map(b => b.arena_bytes)) / KB,
    flash_kb: Math.min(...boards.map(b => Math.max(0, b.flash_bytes - b.code_bytes))) / KB,
  };
}
