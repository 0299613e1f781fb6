// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import { OTHER_COSTS, roundUp } from './costs';
import {
  areKin,
  frontBody,
  impossibleBody,
  isLimited,
  parseQuestion,
  printQuestion,
  subnetBody,
  withLimit,
} from './question';

const PI = 'table=pi4/xnnpack-f32-t1-b1';
const NOTE = 'table=note10/tflite-f32-t1-b1';

describe('an address', () => {
  it('says the whole search, and is written as it is read', () => {
    const link =
      `${PI}&${NOTE}&latency_ms=60&latency_ms=&macs_m=300&space=ofa-mbv3-w1.2&predictor=mine` +
      '&resolutions=160,192&goal=latency&min_top1=0.8&axis=macs_m&seed=7&budget_ms=100';
    expect(printQuestion(parseQuestion(link))).toBe(link);
  });
  it('that is empty asks for nothing', () => {
    expect(printQuestion(parseQuestion(''))).toBe('');
    expect(isLimited(parseQuestion(''))).toBe(false);
  });
  it('with what can not be read has it left out', () => {
    const q = parseQuestion('table=pi4&table=a/b&latency_ms=fast&macs_m=-3&goal=fame&axis=price&resolutions=160,x,,');
    expect(q).toMatchObject({ tables: ['a/b'], latency: [null], goal: 'top1', axis: 'latency_ms', resolutions: [160] });
    expect(q.limits.macs_m).toBeNull();
  });
  it('names a table once', () => {
    expect(parseQuestion(`${PI}&${PI}`).tables).toHaveLength(1);
  });
});

describe('a request', () => {
  it('for one table has its limit as a number', () => {
    const body = subnetBody(parseQuestion(`${PI}&latency_ms=6&params_m=8&space=s&predictor=p`));
    expect(body).toEqual({
      table: 'pi4/xnnpack-f32-t1-b1',
      space: 's',
      predictor: 'p',
      constraints: { latency_ms: 6, params_m: 8 },
    });
  });
  it('for several tables has a limit for each, out of reach where there is none', () => {
    const body = subnetBody(parseQuestion(`${PI}&${NOTE}&latency_ms=60&latency_ms=&space=s`));
    expect(body.tables).toHaveLength(2);
    expect(body.constraints?.latency_ms).toEqual([60, 1e9]);
  });
  it('without limits asks for the most accurate of all', () => {
    expect(subnetBody(parseQuestion(`${PI}&space=s`)).constraints).toEqual({ latency_ms: 1e9 });
  });
  it('without a predictor asks for the most MACs', () => {
    const body = subnetBody(parseQuestion(`${PI}&space=s&sram_kb=256`));
    expect(body).toMatchObject({ objective: 'most_macs', constraints: { sram_kb: 256 } });
    expect(subnetBody(parseQuestion(`${PI}&space=s&predictor=p&sram_kb=256`)).objective).toBeUndefined();
  });
  it('for what can be limited has limits for every table and cost that nothing meets', () => {
    const { constraints } = impossibleBody(parseQuestion(`${PI}&${NOTE}&space=s&macs_m=300`));
    expect(constraints?.latency_ms).toHaveLength(2);
    expect(Object.keys(constraints ?? {}).sort()).toEqual(['latency_ms', ...OTHER_COSTS].sort());
  });
  it('for the least of a cost needs no limit', () => {
    const body = subnetBody(parseQuestion(`${PI}&space=s&predictor=p&goal=latency&min_top1=0.8`));
    expect(body.constraints).toBeUndefined();
    expect(body).toMatchObject({ objective: 'latency', min_top1: 0.8 });
  });
  it('for a front leaves out the limit of its axis', () => {
    const q = parseQuestion(`${PI}&latency_ms=6&macs_m=300&space=s`);
    expect(frontBody(q, true).constraints).toEqual({ macs_m: 300 });
    expect(frontBody(q, false).constraints).toBeUndefined();
    const byMacs = frontBody({ ...q, axis: 'macs_m' }, true);
    expect(byMacs.constraints).toEqual({ latency_ms: 6 });
    expect(byMacs.objectives).toEqual(['top1', 'macs']);
  });
  it('for a front by several tables keeps the limits of the others', () => {
    const q = parseQuestion(`${PI}&${NOTE}&latency_ms=60&latency_ms=25&space=s`);
    expect(frontBody(q, true).constraints).toEqual({ latency_ms: [1e9, 25] });
  });
  it('is kin to one that differs in limits, and to no other', () => {
    const q = parseQuestion(`${PI}&latency_ms=6&space=s`);
    expect(areKin(subnetBody(q), subnetBody(withLimit(q, 'latency_ms', 7)))).toBe(true);
    expect(areKin(subnetBody(q), subnetBody({ ...q, space: 'other' }))).toBe(false);
  });
});

describe('rounding up', () => {
  it('never falls below the figure', () => {
    for (const value of [3.4012345, 0.00071234, 12, 200.7001, 2400, 9999.9, 0.1 + 0.2, 1e-7])
      expect(roundUp(value)).toBeGreaterThanOrEqual(value);
  });
  it('keeps four digits', () => {
    expect(roundUp(3.4012345)).toBe(3.402);
    expect(roundUp(200.7001)).toBe(200.8);
    expect(roundUp(2400)).toBe(2400);
  });
});
