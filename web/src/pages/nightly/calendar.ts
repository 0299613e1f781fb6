// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Days with their runs, as weeks that begin on Mondays. Days are those of the browser's time zone, as "2026-11-25". */
import type { Run } from '../../api/types';
import { dateTime } from '../../components/format';
import type { Outcome } from './outcome';
import { looks, worstOf } from './outcome';

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export type DayRun = Pick<Run, 'created' | 'state' | 'outcome'>;

export interface Day {
  date: string;
  runs: number;
  outcome: Outcome;
  /** Not yet. */
  future: boolean;
}

export interface Week {
  /** From Monday on. */
  days: Day[];
  /** Where a month begins in it: its name. */
  month: string | null;
}

export function dayOf(at: string | number): string {
  return dateTime(typeof at === 'number' ? at : Date.parse(at)).slice(0, 10);
}

/** Runs by the day that they began on. */
function byDay<R extends DayRun>(runs: readonly R[]): Map<string, R[]> {
  const days = new Map<string, R[]>();
  for (const run of runs) {
    const day = dayOf(run.created);
    const known = days.get(day);
    if (known) known.push(run);
    else days.set(day, [run]);
  }
  return days;
}

/** Monday of the week, at noon: summer time moves no day's noon into another day. */
function mondayOf(nowMs: number): Date {
  const day = new Date(nowMs);
  day.setHours(12, 0, 0, 0);
  day.setDate(day.getDate() - ((day.getDay() + 6) % 7));
  return day;
}

/** The last weeks, this one the last. */
export function weeksOf(runs: readonly DayRun[], nowMs: number, weeks: number): Week[] {
  const known = byDay(runs);
  const monday = mondayOf(nowMs);
  const today = dayOf(nowMs);
  return Array.from({ length: weeks }, (_, w) => {
    let month: string | null = null;
    const days = WEEKDAYS.map((_, d): Day => {
      const at = new Date(monday);
      at.setDate(at.getDate() - 7 * (weeks - 1 - w) + d);
      if (at.getDate() === 1) month = MONTHS[at.getMonth()] ?? null;
      const date = dayOf(at.getTime());
      const of = known.get(date) ?? [];
      return { date, runs: of.length, outcome: worstOf(of), future: date > today };
    });
    return { days, month };
  });
}

/** "2026-11-25: slower, 2 runs" */
export function dayText(day: Day): string {
  if (day.runs === 0) return `${day.date}: no run`;
  return `${day.date}: ${looks[day.outcome].word}${day.runs > 1 ? `, the worst of ${day.runs} runs` : ''}`;
}

/** Where a key leads from a day of the calendar, both as week and weekday; null: the key is none of the calendar's. */
export function stepOf(key: string, week: number, weekday: number, weeks: number): [number, number] | null {
  const at = (i: number): [number, number] => {
    const within = Math.min(Math.max(i, 0), 7 * weeks - 1);
    return [Math.floor(within / 7), within % 7];
  };
  const here = 7 * week + weekday;
  if (key === 'ArrowUp') return at(here - 1);
  if (key === 'ArrowDown') return at(here + 1);
  if (key === 'ArrowLeft') return week > 0 ? [week - 1, weekday] : [week, weekday];
  if (key === 'ArrowRight') return week < weeks - 1 ? [week + 1, weekday] : [week, weekday];
  if (key === 'Home') return [0, weekday];
  if (key === 'End') return [weeks - 1, weekday];
  return null;
}
