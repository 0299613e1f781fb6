// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Nights of a table as a chart: latency with its interval, accepted levels, change points. */
import type { Nights } from '../api/types';
import type { ChartColours } from './chartTheme';
import { count, dateTime, ms, percent } from './format';

export type Night = Nights['nights'][number];
export type ChangePoint = Nights['changes'][number];

/** "2026-11-25 03:12" */
export function nightName(at: string): string {
  return dateTime(Date.parse(at)).slice(0, 16);
}

/** "+5.1 %" */
export function stepText(ratio: number): string {
  return `${ratio < 1 ? '−' : '+'}${percent(Math.abs(ratio - 1))}`;
}

/** What a night was besides its figures: "accepted, fingerprint changed". */
export function notesOf(night: Night): string {
  return [night.outcome, night.accepted && 'accepted', night.fingerprint_changed && 'another fingerprint']
    .filter(Boolean)
    .join(', ');
}

function tooltipOf(night: Night, unit: string): string {
  const [low, high] = night.range_ms ?? [];
  const range = low === undefined || high === undefined ? '' : `, ${ms(low)} to ${ms(high)}`;
  return [`${nightName(night.at)}`, `${ms(night.latency_ms)} ${unit}${range}`, notesOf(night)]
    .filter(Boolean)
    .join('\n');
}

/** Where lines of change points stand: between the last night of one level and the first of the next. */
function changeMarks(changes: readonly ChangePoint[], colours: ChartColours) {
  return {
    silent: true,
    symbol: 'none',
    animation: false,
    label: { color: colours.text, formatter: (at: { name: string }) => at.name, rotate: 0 },
    data: changes.map(c => ({
      name: stepText(c.ratio),
      xAxis: c.index,
      lineStyle: { color: c.ratio < 1 ? colours.good : colours.bad, type: 'dashed' },
    })),
  };
}

/** @param nights oldest first; those that did not measure it leave a gap. */
export function nightsOption(
  colours: ChartColours,
  { nights, changes }: Pick<Nights, 'nights' | 'changes'>,
  unit: string,
) {
  const [line] = colours.series;
  const low = (n: Night) => n.range_ms?.[0] ?? n.latency_ms;
  const width = (n: Night) => {
    const [from, to] = n.range_ms ?? [];
    return from === undefined || to === undefined ? 0 : to - from;
  };
  const band = { type: 'line', stack: 'band', symbol: 'none', silent: true, lineStyle: { opacity: 0 } };
  return {
    grid: { left: 60, right: 24, top: 28, bottom: 28 },
    xAxis: { type: 'category', data: nights.map(n => nightName(n.at).slice(0, 10)), axisLabel: { hideOverlap: true } },
    yAxis: { type: 'value', scale: true },
    tooltip: {
      trigger: 'axis',
      formatter: (at: { dataIndex: number }[]) => {
        const night = nights[at[0]?.dataIndex ?? -1];
        return night ? tooltipOf(night, unit) : '';
      },
    },
    series: [
      { ...band, data: nights.map(low) },
      { ...band, data: nights.map(width), areaStyle: { color: line, opacity: 0.18 } },
      {
        type: 'line',
        color: line,
        data: nights.map(n => ({
          value: n.latency_ms,
          symbol: n.accepted ? 'diamond' : n.fingerprint_changed ? 'triangle' : 'circle',
          symbolSize: n.accepted || n.fingerprint_changed ? 12 : 5,
          ...(n.accepted && { itemStyle: { color: colours.good } }),
          ...(n.fingerprint_changed && !n.accepted && { itemStyle: { color: colours.warn } }),
        })),
        markLine: changeMarks(changes, colours),
      },
    ],
  };
}

/** A change point as a sentence. */
export function changeSentence(change: ChangePoint): string {
  const p = change.p < 1e-3 ? change.p.toExponential(0) : String(Number(change.p.toPrecision(2)));
  return `from ${nightName(change.at)} on ${stepText(change.ratio)} (p = ${p})`;
}

/** "in 12 nights" */
export function nightsText(n: number): string {
  return `${count(n)} night${n === 1 ? '' : 's'}`;
}
