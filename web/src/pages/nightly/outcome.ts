// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What a run came to, and a day with several of them: a word, a symbol and a tone, the same everywhere on the page. */
import type { Run } from '../../api/types';
import { count } from '../../components/format';
import type { Tone } from '../../components/State';

/** From the least to the most that a day is remembered by. */
export const OUTCOMES = ['none', 'cancelled', 'unchanged', 'faster', 'running', 'incomplete', 'slower'] as const;
export type Outcome = (typeof OUTCOMES)[number];

interface Look {
  /** Colour never stands alone: a cell of the calendar has this, too. */
  symbol: string;
  word: string;
  tone: Tone;
}

export const looks: Record<Outcome, Look> = {
  none: { symbol: '', word: 'no run', tone: 'idle' },
  cancelled: { symbol: '×', word: 'cancelled', tone: 'idle' },
  unchanged: { symbol: '✓', word: 'unchanged', tone: 'good' },
  faster: { symbol: '▼', word: 'faster', tone: 'good' },
  running: { symbol: '…', word: 'running', tone: 'busy' },
  incomplete: { symbol: '!', word: 'incomplete', tone: 'bad' },
  slower: { symbol: '▲', word: 'slower', tone: 'bad' },
};

type Ended = Pick<Run, 'state' | 'outcome'>;

export function outcomeOf(run: Ended): Outcome {
  if (run.state === 'running') return 'running';
  if (run.state === 'cancelled') return 'cancelled';
  if (run.outcome === 'regression') return 'slower';
  return run.outcome ?? 'none';
}

export function worstOf(runs: readonly Ended[]): Outcome {
  return runs.map(outcomeOf).reduce((a, b) => (OUTCOMES.indexOf(b) > OUTCOMES.indexOf(a) ? b : a), 'none');
}

function several(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** "2 slower, 1 shipped subnet, 1 device failed"; '': nothing to tell. */
export function countsText(run: Pick<Run, 'counts'>): string {
  const { slower, faster, subnets, failed } = run.counts;
  return [
    slower > 0 && `${count(slower)} slower`,
    faster > 0 && `${count(faster)} faster`,
    subnets > 0 && several(subnets, 'shipped subnet', 'shipped subnets'),
    failed > 0 && several(failed, 'table failed', 'tables failed'),
  ]
    .filter(Boolean)
    .join(', ');
}
