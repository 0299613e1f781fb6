// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A subnet as stages of blocks, for drawing. */
import type { Layer } from '../../components/layer';
import { kindName, parseLayer } from '../../components/layer';
import type { SpaceDetail, SubnetAnswer } from './queries';

export interface Block {
  /** In the network: "stage2.block3". */
  slot: string;
  layer: Layer;
  /** "5×5" of a layer with a kernel, else what it is: "Avg pool". */
  label: string;
  /** Middle channels over input channels where that is a choice; null: it is none. */
  expand: number | null;
  latency_ms: number;
  /** Of the whole network's latency. */
  share: number;
}

export interface Stage {
  name: string;
  /** Shape that it ends with: "20x20x48". */
  output: string;
  blocks: Block[];
  /** Blocks that the space has and this subnet leaves out. */
  skipped: number;
  latency_ms: number;
  share: number;
  squeezeExcite: boolean;
}

/** Where blocks of each stage begin in a subnet's lists, and how many there may be. */
interface Depths {
  first: number[];
  most: number[];
}

function depthsOf(space: SpaceDetail | undefined): Depths {
  const depths: Depths = { first: [], most: [] };
  let next = 0;
  for (const stage of space?.document.stages ?? []) {
    const most = Math.max(...stage.depth);
    depths.first.push(next);
    depths.most.push(most);
    next += most;
  }
  return depths;
}

/** "stage2.block3" is block 3 of stage 2; null: of no stage. */
function placeOf(slot: string) {
  const match = /^stage(\d+)\.block(\d+)$/.exec(slot);
  return match ? { stage: Number(match[1]), block: Number(match[2]) } : null;
}

function groupOf(slot: string): string {
  const place = placeOf(slot);
  if (place) return `Stage ${place.stage}`;
  return slot.startsWith('head') ? 'Head' : 'Stem';
}

function blockOf(item: SubnetAnswer['layers'][number], answer: SubnetAnswer, depths: Depths): Block {
  const layer = parseLayer(item.layer);
  const place = placeOf(item.slot);
  const first = place ? depths.first[place.stage - 1] : undefined;
  const expand = place && first !== undefined ? answer.subnet.expand[first + place.block - 1] : undefined;
  return {
    slot: item.slot,
    layer,
    label:
      layer.kernel === null || layer.kind.endsWith('pool') ? kindName(layer.kind) : `${layer.kernel}×${layer.kernel}`,
    expand: expand === undefined || expand === 0 ? null : expand,
    latency_ms: item.latency_ms,
    share: answer.latency_ms > 0 ? item.latency_ms / answer.latency_ms : 0,
  };
}

/** @param space of the answer; undefined while it is not known: then skipped blocks and expand ratios are not either. */
export function drawStages(answer: SubnetAnswer, space: SpaceDetail | undefined): Stage[] {
  const depths = depthsOf(space);
  const stages: Stage[] = [];
  for (const item of answer.layers) {
    const name = groupOf(item.slot);
    const block = blockOf(item, answer, depths);
    let stage = stages.at(-1);
    if (stage?.name !== name) {
      stage = { name, output: '', blocks: [], skipped: 0, latency_ms: 0, share: 0, squeezeExcite: false };
      stages.push(stage);
    }
    stage.blocks.push(block);
    stage.output = block.layer.output;
    stage.latency_ms += block.latency_ms;
    stage.share += block.share;
    stage.squeezeExcite ||= block.layer.se !== null;
  }
  for (const stage of stages) {
    const number = /^Stage (\d+)$/.exec(stage.name);
    const most = number ? depths.most[Number(number[1]) - 1] : undefined;
    if (most !== undefined) stage.skipped = Math.max(0, most - stage.blocks.length);
  }
  return stages;
}

/** How high a block is drawn, as a share of the highest: by expand ratio, 1 where there is none to choose. */
export function heightOf(block: Block, stages: Stage[]): number {
  const most = Math.max(...stages.flatMap(stage => stage.blocks.map(b => b.expand ?? 0)));
  return block.expand === null || most === 0 ? 0.5 : block.expand / most;
}

/** Width multipliers, where the space has a choice of them: "width × 0.5", or all of them where they differ. */
export function widthText({ width }: { width?: number[] | undefined }): string | null {
  if (!width || width.length === 0) return null;
  const different = new Set(width);
  return different.size === 1 ? `width × ${width[0]}` : `widths × ${width.join(', ')}`;
}

/** A block in words. */
export function blockText(block: Block): string {
  const parts = [block.slot, kindName(block.layer.kind)];
  if (block.layer.kernel !== null) parts.push(`kernel ${block.layer.kernel}×${block.layer.kernel}`);
  if (block.expand !== null) parts.push(`expand ${block.expand}`);
  return parts.join(', ');
}
