// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { expect, test } from 'vitest';
import { sortRows } from './sortRows';

const rows = [
  { name: 'b', ms: 2 },
  { name: 'a', ms: null },
  { name: 'c', ms: 10 },
  { name: 'd', ms: 2 },
];
const order = (value: (row: (typeof rows)[number]) => unknown, descending: boolean) =>
  sortRows(rows, value, descending)
    .map(r => r.name)
    .join('');

test('numbers are compared as numbers, unknown ones come last both ways, equal ones stay in order', () => {
  expect(order(r => r.ms, false)).toBe('bdca');
  expect(order(r => r.ms, true)).toBe('cbda');
});

test('texts are compared as texts', () => expect(order(r => r.name, true)).toBe('dcba'));

test('what is given stays as it was', () => {
  sortRows(rows, r => r.name, true);
  expect(rows[0]?.name).toBe('b');
});
