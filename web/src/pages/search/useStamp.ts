// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { profilesQuery } from '../../api/queries';
import type { Profile, TableSummary } from '../../api/types';
import { tableParts } from './queries';

/** Profiles that are filling one of the tables, or will. */
function filling(profiles: Profile[], names: string[]): Profile[] {
  const tables = names.map(tableParts);
  return profiles.filter(
    p =>
      (p.state === 'running' || p.state === 'queued') &&
      tables.some(t => t.device === p.device && t.config === p.config),
  );
}

/** Names the state of tables that answers rest on: when it is another, they are asked for anew. It holds still while one
 *  of the tables is being profiled, since it would change with each visit, and searches would take the time of the
 *  machine that is measured. */
export function useStamp(names: string[], tables: TableSummary[]) {
  const profiles = useQuery(profilesQuery);
  const open = filling(profiles.data ?? [], names);
  const of = names.join(' ');
  const now = JSON.stringify(
    tables
      .filter(t => names.includes(`${t.device}/${t.config}`))
      .map(t => [t.device, t.config, t.version, t.entries, t.updated]),
  );
  const [kept, setKept] = useState({ of, now });
  if ((open.length === 0 && kept.now !== now) || kept.of !== of) setKept({ of, now });
  return { stamp: kept.of === of ? kept.now : now, profile: open[0] ?? null };
}
