// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { Link } from 'wouter';
import type { Run } from '../../api/types';
import { dateTime, duration } from '../../components/format';
import { Progress } from '../../components/Progress';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { State } from '../../components/State';
import { tableOf } from './findings';
import { countsText, looks, outcomeOf } from './outcome';

const PAGE = 20;

export function RunState({ run }: { run: Run }) {
  const look = looks[outcomeOf(run)];
  return <State tone={look.tone}>{look.word}</State>;
}

/** How a run goes, or what it came to. */
function Came({ run }: { run: Run }) {
  if (run.state === 'running')
    return (
      <div className="going">
        <Progress share={run.progress} label={`Progress of ${run.id}`} />
        {run.eta_s !== null && <span>{duration(run.eta_s)} left</span>}
      </div>
    );
  return <>{countsText(run) || <span className="dim">nothing</span>}</>;
}

function Tables({ run }: { run: Run }) {
  return (
    <ul className="plain">
      {run.targets.map(t => (
        <li key={tableOf(t)}>
          {tableOf(t)}
          {t.state === 'failed' && <span className="why"> failed</span>}
        </li>
      ))}
    </ul>
  );
}

const columns: ListColumn<Run>[] = [
  {
    title: 'Started',
    cell: r => (
      <Link className="nowrap" href={`/nightly/${r.id}`}>
        {dateTime(Date.parse(r.created)).slice(0, 16)}
      </Link>
    ),
  },
  { title: 'Outcome', cell: r => <RunState run={r} /> },
  { title: 'Found', cell: r => <Came run={r} /> },
  { title: 'Tables', cell: r => <Tables run={r} /> },
  { title: 'Label', cell: r => r.label ?? <span className="dim">–</span> },
  {
    title: 'Level',
    cell: r => (r.accepted ? `accepted by ${r.accepted.by}` : <span className="dim">–</span>),
  },
];

/** Some of many runs at a time. @param runs newest first. */
export function RunList({ runs }: { runs: Run[] }) {
  const [from, setFrom] = useState(0);
  const first = Math.min(from, Math.max(0, runs.length - 1));
  const last = Math.min(first + PAGE, runs.length);
  return (
    <div className="stack">
      <RowList label="Runs" columns={columns} items={runs.slice(first, last)} rowId={r => r.id} />
      {runs.length > PAGE && (
        <div className="actions paging">
          <button type="button" disabled={first === 0} onClick={() => setFrom(Math.max(0, first - PAGE))}>
            Newer
          </button>
          <span role="status">
            {first + 1} to {last} of {runs.length}
          </span>
          <button type="button" disabled={last === runs.length} onClick={() => setFrom(first + PAGE)}>
            Older
          </button>
        </div>
      )}
    </div>
  );
}
