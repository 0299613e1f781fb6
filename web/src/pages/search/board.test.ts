// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { Device } from '../../api/types';
import { boardLimits } from './board';

const board = (arena_bytes: number, flash_bytes: number, code_bytes: number) =>
  ({ arena_bytes, flash_bytes, code_bytes }) as NonNullable<Device['board']>;
const devices = [
  { name: 'pi', board: null },
  { name: 'disco', board: board(306560, 1048576, 129880) },
  { name: 'small', board: board(204800, 2097152, 129880) },
];

describe('the limits of boards', () => {
  it('are none of other devices', () => expect(boardLimits(devices, ['pi'])).toEqual({}));
  it('are the arena, and what the firmware leaves of the flash', () => {
    expect(boardLimits(devices, ['pi', 'disco'])).toEqual({ sram_kb: 306560 / 1024, flash_kb: 918696 / 1024 });
  });
  it('are the least of several', () => {
    expect(boardLimits(devices, ['disco', 'small'])).toEqual({ sram_kb: 200, flash_kb: 918696 / 1024 });
  });
});
