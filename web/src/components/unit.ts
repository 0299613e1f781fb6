// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What latencies count. An emulated board counts instructions, which are no time: the API has them as nanoseconds of
 *  one each, so that its milliseconds are millions of them. */
import { createContext, useContext } from 'react';
import type { TableSummary } from '../api/types';

export type Clock = TableSummary['clock'];

export const INSTRUCTIONS = 'instructions (emulated), not time';

/** The unit of the API's fields in ms. @param clock undefined: not known. */
export function unitOf(clock: Clock | undefined): string {
  return clock === 'instructions' ? 'M instr.' : 'ms';
}

/** Of the table that a part of the page is about. */
export const UnitContext = createContext(unitOf('ns'));

export function useUnit(): string {
  return useContext(UnitContext);
}
