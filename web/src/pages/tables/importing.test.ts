// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { expect, test } from 'vitest';
import { formatOf, targetOf } from './importing';

test.each([
  ['AvgPool2D-input:5x5x1152-output:1x1x1152:\n  count: 491\n', 'application/yaml'],
  ['layer,kind,count,latency_ms\n', 'text/csv'],
  ['kind,"layer"\r\nlinear,x', 'text/csv'],
  ['{"160": {"AvgPool2D-input:5x5x1152-output:1x1x1152": {"mean": 1}}}', 'application/vnd.ofa+json'],
  ['\n{ "items": [] }', 'application/json'],
])('the format of %j is %s', (text, format) => expect(formatOf(text)).toBe(format));

test('exports say in their names where they are from; other names say nothing', () => {
  expect(targetOf('pi4_xnnpack-f32-t1-b1.csv')).toEqual({ device: 'pi4', config: 'xnnpack-f32-t1-b1' });
  expect(targetOf('160_lookup_table.yaml')).toBeNull();
});
