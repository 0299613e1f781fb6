// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, test } from 'vitest';
import { fields, parseTable } from './csv';

const HEADER = 'layer,kind,count,latency_ms,mean_ms,trimmed_ms,std_ms,min_ms,p50_ms,p90_ms,contexts,ci_ms,alone';

describe('a table as CSV', () => {
  test('unknown figures are null, not 0', () => {
    const [row] = parseTable(`${HEADER}\navgpool in=5x5x1152 out=1x1x1152 @160,avgpool,491,0.5,0.5,,0.01,,,,0,\n`);
    expect(row).toMatchObject({ count: 491, latency: 0.5, std: 0.01, p50: null, p90: null, ci: null, contexts: 0 });
    expect(row?.layer).toMatchObject({ kind: 'avgpool', resolution: 160 });
  });
  test('lines may end as on Windows, and the last one without an end', () => {
    const line = 'linear in=1x1x8 out=1x1x4,linear,3,1,1,1,0.1,0.9,1,1.1,2,0.2';
    expect(parseTable(`${HEADER}\r\n${line}\r\n${line}`).map(r => r.ci)).toEqual([0.2, 0.2]);
  });
  test('a table without rows has none', () => expect(parseTable(`${HEADER}\n`)).toEqual([]));
  test('what is no table is refused by the name of what is missing', () => {
    expect(() => parseTable('<!doctype html>')).toThrow('without the column layer');
  });
  test('columns are found by name', () => {
    const shuffled = 'ci_ms,contexts,layer,kind,count,latency_ms,mean_ms,std_ms,min_ms,p50_ms,p90_ms,new,alone';
    expect(parseTable(`${shuffled}\n1,2,linear in=1x1x8 out=1x1x4,linear,5,7,7,,,,,x,1`)[0]).toMatchObject({
      ci: 1,
      contexts: 2,
      count: 5,
      latency: 7,
      alone: true,
    });
  });
});

describe('fields of a line', () => {
  test.each([
    ['a,b,', ['a', 'b', '']],
    ['"a,b",c', ['a,b', 'c']],
    ['"say ""so""",,x', ['say "so"', '', 'x']],
    ['"a",', ['a', '']],
  ])('%s', (line, expected) => expect(fields(line)).toEqual(expected));
});
