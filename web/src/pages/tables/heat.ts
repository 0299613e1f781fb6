// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Kernel x expand for each place of a space. */
import type { PlacedRow } from './filter';
import { partRank } from './filter';

export interface HeatCell {
  kernel: number | null;
  expand: number;
  /** null: the table lacks it. */
  row: PlacedRow | null;
}

/** One place: a stage's first block, or its later ones, which all are the same layers. */
export interface HeatBlock {
  part: string;
  first: boolean;
  /** As rows write shapes: "40x40x32". */
  input: string;
  output: string;
  /** By kernel, then expand. */
  cells: HeatCell[][];
  least: number;
  most: number;
}

/** Blocks in a network's order. Rows of other resolutions and rows outside stages are left out. */
export function heatBlocks(
  rows: PlacedRow[],
  resolution: number,
  kernels: (number | null)[],
  expands: number[],
): HeatBlock[] {
  const blocks = new Map<string, { block: HeatBlock; rows: Map<string, PlacedRow> }>();
  for (const row of rows)
    for (const known of row.places) {
      const { part, first, expand, stage } = known.place;
      if (stage === null || expand === null || !known.resolutions.includes(resolution)) continue;
      const { input, output } = row.layer;
      const key = `${part} ${first} ${input} ${output}`;
      const found = blocks.get(key) ?? {
        block: { part, first, input, output, cells: [], least: Infinity, most: -Infinity },
        rows: new Map<string, PlacedRow>(),
      };
      blocks.set(key, found);
      const choice = `${row.layer.kernel} ${expand}`;
      // A row that was measured at this resolution alone stands before one for any.
      if (!found.rows.has(choice) || row.layer.resolution !== null) found.rows.set(choice, row);
    }
  const made = [...blocks.values()].map(({ block, rows: found }) => {
    for (const kernel of kernels)
      block.cells.push(expands.map(expand => ({ kernel, expand, row: found.get(`${kernel} ${expand}`) ?? null })));
    for (const row of found.values()) {
      block.least = Math.min(block.least, row.latency);
      block.most = Math.max(block.most, row.latency);
    }
    return block;
  });
  return made.sort((a, b) => partRank(a.part) - partRank(b.part) || Number(b.first) - Number(a.first));
}

/** Where a latency lies between the least and the most, by ratio: 0 to 1. */
export function heatOf(latency: number, least: number, most: number): number {
  if (!(most > least) || least <= 0) return 0;
  return Math.log(latency / least) / Math.log(most / least);
}
