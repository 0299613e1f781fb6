// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useMemo } from 'react';
import { useQueries, useQuery } from '@tanstack/react-query';
import type { Space, TableSummary } from '../../api/types';
import type { Predictor } from './queries';
import { completeQuery, frontQuery, largestQuery, leastQuery } from './queries';
import { costOf } from './costs';
import type { Question } from './question';
import { frontBody, isLimited, lacks } from './question';
import { firstLimit, middleOf, rangesOf } from './ranges';
import { useStamp } from './useStamp';

/** What all searches of the page choose among. */
export interface Stock {
  tables: TableSummary[];
  spaces: Space[];
  predictors: Predictor[];
}

function newest(tables: TableSummary[]): string[] {
  const [first] = [...tables].sort((a, b) => b.updated.localeCompare(a.updated));
  return first ? [`${first.device}/${first.config}`] : [];
}

/** Of spaces, the resolutions that all tables have complete, and the least share of rows that one has; null while that is
 *  not known. */
function useComplete(spaces: string[], tables: string[], stamp: string) {
  const pairs = spaces.flatMap(space => tables.map(table => ({ space, table })));
  const answers = useQueries({ queries: pairs.map(({ space, table }) => completeQuery(table, space, stamp)) });
  if (answers.some(a => a.isPending)) return null;
  const known = new Map<string, { complete: number[]; share: number }>();
  pairs.forEach(({ space }, i) => {
    const { complete, share } = answers[i]?.data ?? { complete: [], share: 0 };
    const old = known.get(space);
    known.set(space, {
      complete: old?.complete.filter(r => complete.includes(r)) ?? complete,
      share: Math.min(old?.share ?? 1, share),
    });
  });
  return known;
}

/** Of spaces in order of preference, the first that the tables have a resolution of, or else what they have most of. */
function bestCovered(spaces: string[], known: Map<string, { complete: number[]; share: number }>): string | undefined {
  const share = (space: string) => known.get(space)?.share ?? 0;
  const most = spaces.reduce<string | undefined>((a, b) => (a && share(a) >= share(b) ? a : b), undefined);
  return spaces.find(s => (known.get(s)?.complete.length ?? 0) > 0) ?? most;
}

function predictorFor(predictors: Predictor[], space: string): Predictor | undefined {
  const own = predictors.filter(p => p.space === space);
  return own.find(p => p.origin === 'shipped') ?? own[0];
}

/** The question with what it leaves open filled in, and what limits it may have.
 *  @param open the address asks nothing: a limit is chosen, too. */
export function useDefaults(given: Question, open: boolean, { tables, spaces, predictors }: Stock) {
  const names = given.tables.length > 0 ? given.tables : newest(tables);
  const { stamp: ofTables, profile } = useStamp(names, tables);
  // Those with a predictor first.
  const predicted = (s: Space) => predictors.some(p => p.space === s.id);
  const searchable = [...spaces.filter(predicted), ...spaces.filter(s => !predicted(s))].map(s => s.id);
  const covered = useComplete(given.space ? [given.space] : searchable, names, ofTables);
  const space = given.space || (covered && bestCovered(searchable, covered)) || '';
  const predictor = given.predictor || (predictorFor(predictors, space)?.id ?? '');
  const stamp = `${ofTables} ${predictors.find(p => p.id === predictor)?.created ?? ''}`;
  const latency = names.map((_, i) => given.latency[i] ?? null);
  const filled: Question = { ...given, tables: names, latency, space, predictor };
  // What is accurate enough is not known then.
  if (space && !predictor) Object.assign(filled, { goal: 'top1', minTop1: null });

  const able = space !== '' && names.length > 0;
  const least = useQuery({ ...leastQuery(filled, stamp), enabled: able });
  const whole = useQuery({
    ...frontQuery(frontBody({ ...filled, axis: 'latency_ms' }, false), stamp),
    enabled: able && predictor !== '',
  });
  const largest = useQuery({ ...largestQuery(filled, stamp), enabled: able && predictor === '' });
  const points = whole.data?.points;
  const found = largest.data;
  const most = useMemo(() => (predictor ? points : found && [found]), [predictor, points, found]);
  const key = names.join(' ');
  const ranges = useMemo(
    () => (least.data && most && most.length > 0 ? rangesOf(least.data, most, key.split(' ')) : null),
    [least.data, most, key],
  );
  const begins = open && given.goal === 'top1' && !isLimited(filled);
  const first = ranges?.latency[0];
  if (costOf(filled.goal) && filled.minTop1 === null && ranges?.top1) filled.minTop1 = middleOf(ranges.top1);
  const question =
    begins && first ? { ...filled, latency: latency.map((l, i) => (i === 0 ? firstLimit(first) : l)) } : filled;
  return {
    question,
    /** It can be asked now: nothing that it needs is on its way. */
    ready: able && lacks(question) === null && (!begins || ranges !== null),
    stamp,
    ranges,
    points: points ?? [],
    complete: covered?.get(space)?.complete ?? null,
    /** Of what limits may be: without it, nothing can be searched. */
    error: least.error ?? (predictor ? whole.error : largest.error),
    retry: () => void Promise.all([least.refetch(), predictor ? whole.refetch() : largest.refetch()]),
    profile,
  };
}
