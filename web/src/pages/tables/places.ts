// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Where in a space a row belongs. A table knows layers only; a space says which of its blocks they are. The server tells
 *  the layers of a few subnets (POST /v1/layers), and rows are found among them by their shapes. */
import type { Layer } from '../../components/layer';

export interface Place {
  /** "Stem", "First block", "Stage 1", ..., "Head". */
  part: string;
  /** 1, 2, ... of a stage; null elsewhere. */
  stage: number | null;
  /** Of a stage: its first block, which may change size and width, or a later one. */
  first: boolean;
  /** Middle channels over input channels (of bottlenecks: over output channels), as the space has it; null outside
   *  stages. */
  expand: number | null;
}

/** What of a space's document is needed here. */
export interface SpaceChoices {
  id: string;
  family: string;
  resolutions: number[];
  /** Blocks of each stage, at its deepest and at its shallowest. */
  depths: { most: number }[];
  kernels: number[];
  expands: number[];
  /** Width multipliers to choose from; empty where a space has one. */
  widths: number[];
}

/** A subnet whose layers are asked for, and how many blocks its stages have. */
export interface Probe {
  subnet: Record<string, unknown>;
  blocks: number[];
}

interface StageDocument {
  depth: number[];
  kernel?: number[];
  expand?: number[];
}

/** @param document of GET /v1/spaces/{space}. */
export function choicesOf(space: {
  id: string;
  family: string;
  resolutions: number[];
  document: unknown;
}): SpaceChoices {
  const document = space.document as {
    stages: StageDocument[];
    kernel: number[] | number;
    expand: number[];
    width?: number[] | number;
  };
  const all = (name: 'kernel' | 'expand') => {
    const own = document[name];
    const sets = [typeof own === 'number' ? [own] : own, ...document.stages.map(s => s[name] ?? [])];
    return [...new Set(sets.flat())].sort((a, b) => a - b);
  };
  return {
    id: space.id,
    family: space.family,
    resolutions: space.resolutions,
    depths: document.stages.map(s => ({ most: Math.max(...s.depth) })),
    kernels: all('kernel'),
    expands: all('expand'),
    widths: Array.isArray(document.width) ? document.width : [],
  };
}

/** Subnets that together have every pair of input and output shapes of the space at one resolution. */
export function probes(space: SpaceChoices, resolution: number, document: unknown): Probe[] {
  const stages = (document as { stages: StageDocument[] }).stages;
  const blocks = space.depths.map(d => d.most);
  const least = (name: 'kernel' | 'expand', fallback: number[]) =>
    stages.flatMap((s, i) => Array<number>(blocks[i] ?? 0).fill((s[name] ?? fallback)[0] ?? 0));
  const subnet = { space: space.id, resolution, expand: least('expand', space.expands) };
  if (space.family !== 'bottleneck')
    return [{ subnet: { ...subnet, depth: blocks, kernel: least('kernel', space.kernels) }, blocks }];
  // A stage's first block lies between two widths that are chosen each on its own: every pair of them, by turns.
  const parts = blocks.length + 2;
  const pairs = space.widths.flatMap(a => space.widths.map(b => [a, b] as const));
  return pairs.map(([a, b]) => ({
    subnet: {
      ...subnet,
      depth: [1, ...blocks],
      width: Array.from({ length: parts }, (_, i) => (i % 2 === 0 ? a : b)),
    },
    blocks,
  }));
}

/** A row without what is chosen for a block: what the layers of one place have in common. */
function shapeOf(text: string): string {
  return text.replace(/ (?:mid|k)=\d+| @\d+/g, '').replace(/ se=\d+/, ' se');
}

function exact(text: string): string {
  return text.replace(/ @\d+/, '');
}

interface Known {
  place: Place;
  resolutions: number[];
}

const NOWHERE: Known[] = [];

/** Finds rows in a space. Add what the server says of every probe at every resolution; then ask. */
export class SpaceMap {
  readonly space: SpaceChoices;
  private readonly blocks = new Map<string, Known[]>();
  private readonly others = new Map<string, Known[]>();

  constructor(space: SpaceChoices) {
    this.space = space;
  }

  /** @param layers texts of a probe's layers, in order. */
  add(resolution: number, blocks: number[], layers: string[]) {
    const kind = this.space.family === 'bottleneck' ? 'bottleneck' : 'mbconv';
    const total = blocks.reduce((a, b) => a + b, 0);
    // Blocks of stages are the last of their kind: a block before them, as MobileNet's first, has no choices.
    const places = layers.map((text, i) => ({ text, i })).filter(l => l.text.startsWith(`${kind} `));
    const inStages = places.slice(-total);
    const from = inStages[0]?.i ?? layers.length;
    const to = inStages.at(-1)?.i ?? layers.length;
    let at = 0;
    blocks.forEach((count, stage) => {
      for (let block = 0; block < count; block++) {
        const text = inStages[at++]?.text;
        if (text === undefined) continue;
        const place = { part: `Stage ${stage + 1}`, stage: stage + 1, first: block === 0, expand: null };
        note(this.blocks, shapeOf(text), place, resolution);
      }
    });
    layers.forEach((text, i) => {
      if (i >= from && i <= to) return;
      const part =
        i > to ? 'Head' : i === 0 || kind === 'bottleneck' || !text.startsWith(kind) ? 'Stem' : 'First block';
      note(this.others, exact(text), { part, stage: null, first: false, expand: null }, resolution);
    });
  }

  /** Where a row belongs, and at which resolutions; empty: nowhere in this space. */
  find(layer: Layer): Known[] {
    const mark = layer.resolution;
    const only = (known: Known[]) =>
      mark === null ? known : known.filter(k => k.resolutions.includes(mark)).map(k => ({ ...k, resolutions: [mark] }));
    const other = this.others.get(exact(layer.text));
    if (other) return only(other);
    const block = this.blocks.get(shapeOf(layer.text));
    if (!block) return NOWHERE;
    const expand = this.expandOf(layer);
    if (expand === null || (layer.kernel !== null && !this.space.kernels.includes(layer.kernel))) return NOWHERE;
    return only(block).map(k => ({ ...k, place: { ...k.place, expand } }));
  }

  /** The space's ratio that gives these middle channels; null: none does. */
  private expandOf(layer: Layer): number | null {
    if (layer.mid === null) return null;
    const bottleneck = this.space.family === 'bottleneck';
    const base = Number((bottleneck ? layer.output : layer.input).split('x').at(-1));
    // Bottlenecks' middle channels are made divisible by 8.
    const off = bottleneck ? 4 : 0.5;
    const fits = this.space.expands.filter(e => Math.abs(base * e - (layer.mid ?? 0)) <= off);
    return (
      fits.sort((a, b) => Math.abs(base * a - (layer.mid ?? 0)) - Math.abs(base * b - (layer.mid ?? 0)))[0] ?? null
    );
  }
}

function note(map: Map<string, Known[]>, key: string, place: Place, resolution: number) {
  const known = map.get(key) ?? [];
  const same = known.find(k => k.place.part === place.part && k.place.first === place.first);
  if (!same) known.push({ place, resolutions: [resolution] });
  else if (!same.resolutions.includes(resolution)) same.resolutions.push(resolution);
  map.set(key, known);
}

/** @return a text for people: "Stage 2, first block". */
export function placeText(known: Known[]): string {
  return [...new Set(known.map(k => k.place.part + (k.place.first ? ', first block' : '')))].join(' or ');
}

export type { Known };
