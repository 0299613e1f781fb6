// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import type { Run } from '../../api/types';
import type { Day, Week } from './calendar';
import { WEEKDAYS, dayText, stepOf, weeksOf } from './calendar';
import type { Outcome } from './outcome';
import { OUTCOMES, looks } from './outcome';

/* As nightly.css has them. */
const CELL_PX = 24;
const NAMES_PX = 36;
const WEEKS_LEAST = 8;
const WEEKS_MOST = 53;

/** As many weeks as the place is wide. */
function useWeeks() {
  const place = useRef<HTMLDivElement>(null);
  const [weeks, setWeeks] = useState(WEEKS_LEAST);
  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) => {
      const fit = Math.floor(((entry?.contentRect.width ?? 0) - NAMES_PX) / CELL_PX);
      setWeeks(Math.min(WEEKS_MOST, Math.max(WEEKS_LEAST, fit)));
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return { place, weeks };
}

function Legend() {
  const shown: Outcome[] = [...OUTCOMES].reverse();
  return (
    <ul className="plain night-legend">
      {shown.map(outcome => (
        <li key={outcome}>
          <span className="night" data-outcome={outcome} aria-hidden="true">
            {looks[outcome].symbol}
          </span>
          {looks[outcome].word}
        </li>
      ))}
    </ul>
  );
}

interface Focus {
  /** The one day that Tab comes to. */
  at: [number, number];
  onKey: (event: KeyboardEvent, week: number, weekday: number) => void;
}

function Cell(props: { day: Day; chosen: boolean; focus: boolean; onChoose: () => void }) {
  const { day } = props;
  return (
    <button
      type="button"
      className="night"
      data-outcome={day.outcome}
      aria-label={dayText(day)}
      aria-pressed={props.chosen}
      title={dayText(day)}
      tabIndex={props.focus ? 0 : -1}
      onClick={props.onChoose}
    >
      {looks[day.outcome].symbol}
    </button>
  );
}

function Weekday(props: {
  weekday: number;
  weeks: Week[];
  chosen: string | null;
  focus: Focus;
  onChoose: (date: string | null) => void;
}) {
  const { weekday, chosen, focus } = props;
  return (
    <tr>
      <th scope="row">{WEEKDAYS[weekday]}</th>
      {props.weeks.map((week, w) => {
        const day = week.days[weekday];
        if (!day || day.future) return <td key={w} />;
        return (
          <td key={w} data-week={w} onKeyDown={e => focus.onKey(e, w, weekday)}>
            <Cell
              day={day}
              chosen={chosen === day.date}
              focus={focus.at[0] === w && focus.at[1] === weekday}
              onChoose={() => props.onChoose(chosen === day.date ? null : day.date)}
            />
          </td>
        );
      })}
    </tr>
  );
}

/** The day that Tab comes to: the last one that arrow keys led to, else today. */
function useFocus(weeks: Week[]): Focus & { table: React.RefObject<HTMLTableElement | null> } {
  const table = useRef<HTMLTableElement>(null);
  const last = weeks.length - 1;
  const today = (weeks[last]?.days.filter(d => !d.future).length ?? 1) - 1;
  const [moved, setMoved] = useState<{ date: string } | null>(null);
  const found = weeks.findIndex(w => w.days.some(d => d.date === moved?.date));
  const at: [number, number] =
    found < 0 ? [last, today] : [found, weeks[found]?.days.findIndex(d => d.date === moved?.date) ?? 0];
  const onKey = (event: KeyboardEvent, week: number, weekday: number) => {
    const to = stepOf(event.key, week, weekday, weeks.length);
    const day = to && weeks[to[0]]?.days[to[1]];
    if (!to || !day) return;
    event.preventDefault();
    if (day.future) return;
    setMoved({ date: day.date });
    table.current
      ?.querySelectorAll('tbody tr')
      [to[1]]?.querySelector<HTMLElement>(`[data-week="${to[0]}"] button`)
      ?.focus();
  };
  return { table, at, onKey };
}

/** One cell a day, by the worst of its runs. @param chosen a day, as "2026-11-25"; null: none.
 *  @param now a time of today. */
export function Calendar(props: {
  runs: readonly Run[];
  now: number;
  chosen: string | null;
  onChoose: (date: string | null) => void;
}) {
  const { place, weeks: fit } = useWeeks();
  const weeks = useMemo(() => weeksOf(props.runs, props.now, fit), [props.runs, props.now, fit]);
  const { table, ...focus } = useFocus(weeks);
  return (
    <section className="card stack" aria-label="Calendar of nights">
      <div ref={place}>
        <table ref={table} className="calendar" aria-label={`The nights of ${fit} weeks`}>
          <thead>
            <tr>
              <td />
              {weeks.map((week, w) => (
                <th key={w} scope="col">
                  {week.month ?? <span className="visually-hidden">{week.days[0]?.date}</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {WEEKDAYS.map((name, weekday) => (
              <Weekday
                key={name}
                weekday={weekday}
                weeks={weeks}
                chosen={props.chosen}
                focus={focus}
                onChoose={props.onChoose}
              />
            ))}
          </tbody>
        </table>
      </div>
      <Legend />
    </section>
  );
}
