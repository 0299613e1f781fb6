// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, test } from 'vitest';
import { parseLayer } from '../../components/layer';
import { NO_FILTER, optionsOf, readFilter, tester, writeFilter } from './filter';
import type { Filter, PlacedRow } from './filter';

function row(
  text: string,
  part: string | null,
  expand: number | null,
  resolutions: number[],
  doubt: PlacedRow['doubt'] = null,
) {
  const place = { part: part ?? '', stage: null, first: false, expand };
  const figures = { count: 1, latency: 1, mean: 1, std: null, min: null, p50: null, p90: null, ci: null, contexts: 0 };
  return {
    text,
    layer: parseLayer(text),
    ...figures,
    alone: false,
    index: 0,
    places: part === null ? [] : [{ place, resolutions }],
    doubt,
  };
}

const rows: PlacedRow[] = [
  row('conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish', 'Stem', null, [160]),
  row('mbconv in=40x40x32 out=40x40x32 mid=192 k=7 s=1 act=relu res=1', 'Stage 1', 6, [160], {
    kinds: 'order',
    detail: 'slower than k=5',
  }),
  row('mbconv in=5x5x192 out=5x5x192 mid=576 k=5 s=1 act=hswish se=144 res=1', 'Stage 5', 3, [160]),
  row('linear in=1x1x1536 out=1x1x1000', 'Head', null, [160, 224]),
  row('avgpool in=7x7x64 out=1x1x64 @224', null, null, []),
];
const kinds = (filter: Partial<Filter>) => rows.filter(tester({ ...NO_FILTER, ...filter })).map(r => r.layer.kind);

describe('a filter', () => {
  test('of nothing lets everything through', () => expect(kinds({})).toHaveLength(5));
  test('of text wants all words, in any order', () => {
    expect(kinds({ q: 'k=7 40x40x32' })).toEqual(['mbconv']);
    expect(kinds({ q: '  HSWISH ' })).toEqual(['conv2d', 'mbconv']);
    expect(kinds({ q: '40×40' })).toEqual(['mbconv']);
    expect(kinds({ q: 'k=7 k=5' })).toEqual([]);
  });
  test('of a part and a ratio looks at places', () => {
    expect(kinds({ part: 'Stage 1' })).toEqual(['mbconv']);
    expect(kinds({ expand: '3' })).toEqual(['mbconv']);
    expect(kinds({ part: 'Stage 1', expand: '3' })).toEqual([]);
  });
  test('of rows that belong nowhere', () => expect(kinds({ part: 'none' })).toEqual(['avgpool']));
  test('of a resolution takes rows that hold for it, marked ones too', () => {
    expect(kinds({ resolution: '224' })).toEqual(['linear', 'avgpool']);
  });
  test('of a kernel leaves out layers without one', () => expect(kinds({ kernel: '3' })).toEqual(['conv2d']));
  test('of implausible rows', () => expect(kinds({ doubt: '1' })).toEqual(['mbconv']));
  test('is the same after a way through an address, which keeps its other words', () => {
    const search = new URLSearchParams('version=2&kind=linear');
    const filter = { ...NO_FILTER, q: 'a b', kernel: '5' };
    writeFilter(search, filter);
    expect(search.toString()).toBe('version=2&q=a+b&kernel=5');
    expect(readFilter(search)).toEqual(filter);
  });
});

test('there is to choose what there is in the rows, in order', () => {
  expect(optionsOf(rows)).toEqual({
    kinds: ['avgpool', 'conv2d', 'linear', 'mbconv'],
    parts: ['Stem', 'Stage 1', 'Stage 5', 'Head'],
    kernels: [3, 5, 7],
    expands: [3, 6],
    resolutions: [160, 224],
    strangers: true,
  });
});
