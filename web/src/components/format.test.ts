// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import { ago, bytes, count, duration, fixed, ms, percent } from './format';

describe('numbers', () => {
  it('milliseconds keep four significant digits, at most four decimals', () => {
    expect([0.01234, 1.23456, 45.2, 123.456, 12345.6, 0].map(v => ms(v))).toEqual([
      '0.0123',
      '1.235',
      '45.20',
      '123.5',
      '12346',
      '0.0000',
    ]);
  });
  it('what is unknown is a dash, never 0 or NaN', () => {
    expect([ms(null), fixed(undefined, 1), percent(NaN), count(null), duration(null)]).toEqual(Array(5).fill('–'));
  });
  it('counts are grouped by three', () => {
    expect([count(7), count(1234), count(1234567)]).toEqual(['7', '1\u202f234', '1\u202f234\u202f567']);
  });
});

describe('sizes', () => {
  it('of data are in the unit that fits', () => {
    expect([0, 1023, 1024, 5_242_880, 2 ** 31, null].map(bytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '5.0 MiB',
      '2.0 GiB',
      '–',
    ]);
  });
});

describe('times', () => {
  it('durations read as people say them', () => {
    expect([0.4, 59.6, 185, 7800].map(duration)).toEqual(['0 s', '1 min 00 s', '3 min 05 s', '2 h 10 min']);
  });
  it('the past is told in its largest unit', () => {
    expect([3, 47, 190, 7300, 90_000, 3e6].map(s => ago(s * 1000))).toEqual([
      'just now',
      '40 s ago',
      '3 min ago',
      '2 h ago',
      '1 day ago',
      '34 days ago',
    ]);
  });
});
