// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What the plot is made of. */
import { useMemo } from 'react';
import { useQuery } from '@tanstack/react-query';
import { measuredSubnets, plotted } from './measured';
import { evaluationsQuery, frontQuery, measuredNetworksQuery, measurementsQuery } from './queries';
import type { FrontPoint } from './queries';
import type { FrontBody, Question } from './question';
import { areKin, frontBody } from './question';
import { useSettled } from './useQuestion';

const NONE: FrontPoint[] = [];

/** The front within the limits of everything but the axis, and that of all subnets where it is another. There is none
 *  without a predictor. */
export function useFront(q: Question, ready: boolean, stamp: string) {
  const within = JSON.stringify(frontBody(q, true));
  const waited = useSettled(within);
  // Limits are waited for, as sliders move them; another table or space is not.
  const settled = areKin(JSON.parse(waited) as FrontBody, JSON.parse(within) as FrontBody) ? waited : within;
  const whole = frontBody(q, false);
  const enabled = ready && q.predictor !== '';
  const same = settled === JSON.stringify(whole);
  const front = useQuery({ ...frontQuery(JSON.parse(settled) as FrontBody, stamp), enabled });
  const all = useQuery({ ...frontQuery(whole, stamp), enabled: enabled && !same });
  return {
    points: front.data?.points,
    all: same ? NONE : (all.data?.points ?? NONE),
    stale: front.isPlaceholderData || settled !== within,
    error: front.error,
    retry: () => void front.refetch(),
  };
}

/** Published networks and subnets that were measured on a table's device, and top-1 that is predicted of the latter. */
export function useMeasured(table: string, space: string, predictor: string, stamp: string) {
  const list = useQuery({ ...measurementsQuery(table), enabled: table !== '' });
  const done = (list.data ?? []).filter(m => m.state === 'done').length;
  const networks = useQuery({ ...measuredNetworksQuery(table, done), enabled: list.isSuccess });
  const data = list.data;
  const subnets = useMemo(() => measuredSubnets(data ?? [], space), [data, space]);
  const asked = subnets.map(m => m.subnet);
  const evaluations = useQuery({
    ...evaluationsQuery(table, space, predictor, asked, stamp),
    enabled: asked.length > 0 && space !== '' && predictor !== '',
  });
  const predicted = evaluations.isPlaceholderData ? undefined : evaluations.data;
  const points = useMemo(() => plotted(subnets, predicted ?? []), [subnets, predicted]);
  return { networks: networks.data, subnets: points, error: list.error ?? networks.error };
}
