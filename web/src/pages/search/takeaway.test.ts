// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import { parseQuestion } from './question';
import { commandText, curlText, quoted } from './takeaway';

const link =
  'table=pi4/xnnpack-f32-t1-b1&latency_ms=6&macs_m=300&space=ofa-mbv3-w1.2&predictor=mine&resolutions=160,192';

describe('commands', () => {
  it('ask what the page asks', () => {
    expect(commandText(parseQuestion(link), true)).toBe(
      'lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --predictor mine --latency-ms 6 --macs-m 300 ' +
        '--resolutions 160,192 --verify',
    );
    const curl = curlText(parseQuestion(link), 'http://127.0.0.1:8420', false);
    expect(curl).toContain('http://127.0.0.1:8420/v1/subnets');
    expect(JSON.parse(/-d '(.*)'$/.exec(curl)?.[1] ?? '')).toMatchObject({
      table: 'pi4/xnnpack-f32-t1-b1',
      constraints: { latency_ms: 6, macs_m: 300 },
    });
  });
  it('for several tables give each its limit', () => {
    const q = parseQuestion('table=a/b&table=c/d&latency_ms=60&latency_ms=25&space=s&predictor=p');
    expect(commandText(q, false)).toBe('lathe subnet a/b c/d --space s --predictor p --latency-ms 60,25');
  });
  it('for an accuracy have it as the goal', () => {
    const q = parseQuestion('table=a/b&space=s&predictor=p&goal=macs&min_top1=0.8');
    expect(commandText(q, false)).toBe('lathe subnet a/b --space s --predictor p --objective macs --min-top1 0.8');
  });
  it('without limits ask for the most accurate of all', () => {
    expect(commandText(parseQuestion('table=a/b&space=s&predictor=p'), false)).toContain('--latency-ms 1e9');
  });
  it('quote what a shell would take apart', () => {
    expect(quoted("it's {1,2} $x")).toBe(`'it'\\''s {1,2} $x'`);
    expect(quoted('160,192')).toBe('160,192');
  });
});
