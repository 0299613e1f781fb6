// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { profilesQuery } from '../../api/queries';
import type { TableSummary } from '../../api/types';
import type { Predictor } from './queries';
import { tableParts } from './queries';

/** Names the state of tables and predictor that answers rest on: when it is another, they are asked for anew. It holds
 *  still while one of the tables is being profiled, since it would change with each visit, and searches would take
 *  the time of the machine that is measured. */
export function useStamp(names: string[], tables: TableSummary[], predictor: Predictor | undefined) {
  const profiles = useQuery(profilesQuery);
  const measured = (profiles.data ?? []).some(
    p =>
      (p.state === 'running' || p.state === 'queued') &&
      names.some(name => tableParts(name).device === p.device && tableParts(name).config === p.config),
  );
  const state = tables
    .filter(t => names.includes(`${t.device}/${t.config}`))
    .map(t => `${t.device}/${t.config} ${t.version} ${t.entries} ${t.updated}`);
  const now = JSON.stringify([state, predictor?.created ?? '']);
  const [kept, setKept] = useState({ names: '', now: '' });
  const of = names.join(' ');
  if ((!measured || kept.names !== of) && kept.now !== now) setKept({ names: of, now });
  return { stamp: kept.names === of ? kept.now : now, measured };
}
