// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A table's row text, taken apart: "mbconv in=20x20x48 out=20x20x48 mid=144 k=3 s=1 act=relu se=40 res=1 @160". */
export interface Layer {
  text: string;
  kind: string;
  /** As written: "20x20x48". */
  input: string;
  output: string;
  mid: number | null;
  kernel: number | null;
  stride: number | null;
  activation: string | null;
  /** Middle channels of squeeze-excite; null without. */
  se: number | null;
  residual: boolean;
  /** Of the networks that the row holds for; null: any. */
  resolution: number | null;
}

const names: Record<string, string> = {
  conv2d: 'Conv',
  mbconv: 'MBConv',
  bottleneck: 'Bottleneck',
  maxpool: 'Max pool',
  avgpool: 'Avg pool',
  linear: 'Linear',
};

/** @param text the server's; words that are not known are left out. */
export function parseLayer(text: string): Layer {
  const [kind = '', ...words] = text.split(' ');
  const fields = new Map(words.map(w => w.split('=', 2) as [string, string | undefined]));
  const number = (name: string) => {
    const value = fields.get(name);
    return value === undefined ? null : Number(value);
  };
  const mark = words.find(w => w.startsWith('@'));
  return {
    text,
    kind,
    input: fields.get('in') ?? '',
    output: fields.get('out') ?? '',
    mid: number('mid'),
    kernel: number('k'),
    stride: number('s'),
    activation: fields.get('act') ?? null,
    se: number('se'),
    residual: fields.get('res') === '1',
    resolution: mark === undefined ? null : Number(mark.slice(1)),
  };
}

export function kindName(kind: string): string {
  return names[kind] ?? kind;
}

/** Shapes with a multiplication sign. */
export function shape(text: string): string {
  return text.replaceAll('x', '×');
}
