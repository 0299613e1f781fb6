// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useMemo } from 'react';
import { useQueries, useQuery } from '@tanstack/react-query';
import type { Space, TableSummary } from '../../api/types';
import type { Predictor } from './queries';
import { completeQuery, frontQuery, leastQuery } from './queries';
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

/** Of spaces, the resolutions that all tables have complete; null while that is not known. */
function useComplete(spaces: string[], tables: string[], stamp: string) {
  const pairs = spaces.flatMap(space => tables.map(table => ({ space, table })));
  const answers = useQueries({ queries: pairs.map(({ space, table }) => completeQuery(table, space, stamp)) });
  if (answers.some(a => a.isPending)) return null;
  const complete = new Map<string, number[]>();
  pairs.forEach(({ space }, i) => {
    const these = answers[i]?.data ?? [];
    complete.set(space, complete.get(space)?.filter(r => these.includes(r)) ?? these);
  });
  return complete;
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
  const searchable = spaces.filter(s => predictors.some(p => p.space === s.id)).map(s => s.id);
  const complete = useComplete(given.space ? [given.space] : searchable, names, ofTables);
  const space =
    given.space ||
    (complete && (searchable.find(s => (complete.get(s)?.length ?? 0) > 0) ?? searchable[0] ?? spaces[0]?.id)) ||
    '';
  const predictor = given.predictor || (predictorFor(predictors, space)?.id ?? '');
  const stamp = `${ofTables} ${predictors.find(p => p.id === predictor)?.created ?? ''}`;
  const latency = names.map((_, i) => given.latency[i] ?? null);
  const filled: Question = { ...given, tables: names, latency, space, predictor };

  const able = space !== '' && predictor !== '' && names.length > 0;
  const least = useQuery({ ...leastQuery(filled, stamp), enabled: able });
  const whole = useQuery({ ...frontQuery(frontBody({ ...filled, axis: 'latency_ms' }, false), stamp), enabled: able });
  const points = whole.data?.points;
  const key = names.join(' ');
  const ranges = useMemo(
    () => (least.data && points && points.length > 0 ? rangesOf(least.data, points, key.split(' ')) : null),
    [least.data, points, key],
  );
  const begins = open && given.goal === 'top1' && !isLimited(filled);
  const first = ranges?.latency[0];
  if (costOf(filled.goal) && filled.minTop1 === null && ranges) filled.minTop1 = middleOf(ranges.top1);
  const question =
    begins && first ? { ...filled, latency: latency.map((l, i) => (i === 0 ? firstLimit(first) : l)) } : filled;
  return {
    question,
    /** It can be asked now: nothing that it needs is on its way. */
    ready: able && lacks(question) === null && (!begins || ranges !== null),
    stamp,
    ranges,
    points: points ?? [],
    complete: complete?.get(space) ?? null,
    /** Of what limits may be: without it, nothing can be searched. */
    error: least.error ?? whole.error,
    retry: () => void Promise.all([least.refetch(), whole.refetch()]),
    profile,
  };
}
