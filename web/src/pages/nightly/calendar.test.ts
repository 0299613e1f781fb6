// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { DayRun } from './calendar';
import { WEEKDAYS, dayText, stepOf, weeksOf } from './calendar';

/* A Wednesday. */
const NOW = new Date(2026, 10, 25, 15).getTime();
const at = (month: number, day: number, hour = 3) => new Date(2026, month - 1, day, hour).toISOString();
const run = (created: string, outcome: DayRun['outcome'] = 'unchanged'): DayRun => ({
  created,
  state: 'done',
  outcome,
});

describe('the calendar', () => {
  it('ends with this week, whose days to come have no runs yet', () => {
    const weeks = weeksOf([], NOW, 3);
    expect(weeks.map(w => w.days[0]?.date)).toEqual(['2026-11-09', '2026-11-16', '2026-11-23']);
    expect(weeks[2]?.days.map(d => d.future)).toEqual([false, false, false, true, true, true, true]);
    expect(weeks.every(w => w.days.length === WEEKDAYS.length)).toBe(true);
  });
  it('has a day in the colour of the worst of its runs', () => {
    const weeks = weeksOf([run(at(11, 24)), run(at(11, 24, 5), 'regression'), run(at(11, 24, 6), 'faster')], NOW, 1);
    expect(weeks[0]?.days[1]).toMatchObject({ date: '2026-11-24', runs: 3, outcome: 'slower' });
    expect(weeks[0]?.days[0]).toMatchObject({ runs: 0, outcome: 'none' });
  });
  it('has every day once, across the ends of summer time and of years', () => {
    const days = weeksOf([], new Date(2026, 10, 1, 12).getTime(), 53).flatMap(w => w.days.map(d => d.date));
    expect(new Set(days).size).toBe(53 * 7);
    expect([...days].sort()).toEqual(days);
  });
  it('names months where they begin', () => {
    expect(weeksOf([], NOW, 5).map(w => w.month)).toEqual(['Nov', null, null, null, null]);
  });
  it('says each day in words', () => {
    const [monday, tuesday, wednesday] =
      weeksOf([run(at(11, 24)), run(at(11, 25), 'incomplete'), run(at(11, 25, 9))], NOW, 1)[0]?.days ?? [];
    expect([monday, tuesday, wednesday].map(d => d && dayText(d))).toEqual([
      '2026-11-23: no run',
      '2026-11-24: unchanged',
      '2026-11-25: incomplete, the worst of 2 runs',
    ]);
  });
  it('is walked by arrow keys, up and down over the ends of weeks', () => {
    expect(stepOf('ArrowUp', 4, 0, 10)).toEqual([3, 6]);
    expect(stepOf('ArrowDown', 4, 6, 10)).toEqual([5, 0]);
    expect(stepOf('ArrowLeft', 4, 2, 10)).toEqual([3, 2]);
    expect(stepOf('ArrowRight', 9, 2, 10)).toEqual([9, 2]);
    expect(stepOf('ArrowUp', 0, 0, 10)).toEqual([0, 0]);
    expect(stepOf('Home', 4, 2, 10)).toEqual([0, 2]);
    expect(stepOf('End', 4, 2, 10)).toEqual([9, 2]);
    expect(stepOf('a', 4, 2, 10)).toBeNull();
  });
});
