// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** One run: how it goes, what is likely to blame, what was found, and what it was of. */
import type { ReactNode } from 'react';
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { answer, api } from '../../api/client';
import { sessionQuery, tablesQuery } from '../../api/queries';
import type { Run } from '../../api/types';
import { ConfirmDialog } from '../../components/Dialog';
import { Figures } from '../../components/Figures';
import { count, dateTime, duration, percent } from '../../components/format';
import { Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import { Progress } from '../../components/Progress';
import { Time } from '../../components/Time';
import { AcceptDialog } from './AcceptDialog';
import { Causes } from './Causes';
import { Findings } from './Findings';
import { acceptable, tableOf } from './findings';
import { countsText } from './outcome';
import { runQuery } from './queries';
import { RunState } from './RunList';
import { Speeds } from './Speeds';
import { Subnets } from './Subnets';
import { Targets } from './Targets';
import './nightly.css';

function went(run: Run): string {
  if (run.state === 'running') return run.eta_s === null ? 'time left not known yet' : `${duration(run.eta_s)} left`;
  return run.ended === null ? '' : `took ${duration((Date.parse(run.ended) - Date.parse(run.created)) / 1000)}`;
}

function Course({ run }: { run: Run }) {
  const found = countsText(run);
  const sum = (value: (t: Run['targets'][number]) => number | null) =>
    run.targets.reduce((all, t) => all + (value(t) ?? 0), 0);
  return (
    <section className="card stack" aria-label="Course">
      <div className="course">
        <RunState run={run} />
        <span>{found || (run.state === 'done' ? 'nothing has changed' : 'nothing found so far')}</span>
        <span className="dim">{went(run)}</span>
      </div>
      {run.state === 'running' && <Progress share={run.progress} label="Progress" />}
      <Figures
        items={[
          { name: 'Tables', value: count(run.targets.length), note: 'of a device and config each' },
          {
            name: 'Rows measured',
            value: `${count(sum(t => t.rows_measured))} / ${count(sum(t => t.rows_total))}`,
            note: 'those that matter most first',
          },
          { name: 'Rows compared', value: count(sum(t => t.rows_compared)), note: 'with those of the baseline' },
          { name: 'Device time', value: duration(sum(t => t.device_s)), note: 'of all devices' },
        ]}
      />
      {run.accepted && (
        <p className="note">
          Accepted as the new level by {run.accepted.by} <Time at={run.accepted.at} />
          {run.accepted.note && `: ${run.accepted.note}`}
        </p>
      )}
    </section>
  );
}

function Request({ run }: { run: Run }) {
  const rows: [string, ReactNode][] = [
    ['Space', run.space],
    ['Resolutions', `${run.resolutions.join(', ')} px`],
    ['Device time', run.budget_s === null ? 'as long as it takes' : `${duration(run.budget_s)} at most, each device`],
    [
      'Compared with',
      run.baseline === 'last-accepted' ? (
        'the level accepted last'
      ) : (
        <Link key="baseline" href={`/nightly/${run.baseline}`}>
          {run.baseline}
        </Link>
      ),
    ],
    ['Least effect', percent(run.min_effect)],
    ['False discoveries', `${percent(run.fdr, 0)} of all findings at most`],
    ['Confirmations', `${run.confirmations} at most`],
    ['Patience', `${duration(run.patience_s)} with a device that does not answer`],
    ['Label', run.label ?? '–'],
    ['Started', <Time key="started" at={run.created} />],
  ];
  return (
    <section className="section" aria-labelledby="request">
      <h2 id="request">What was asked</h2>
      <dl className="card asked">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function CancelRun({ run, onClose }: { run: Run; onClose: () => void }) {
  const client = useQueryClient();
  const cancel = async () => {
    const now = await answer(api.DELETE('/v1/runs/{id}', { params: { path: { id: run.id } } }));
    client.setQueryData(runQuery(run.id).queryKey, now);
  };
  return (
    <ConfirmDialog title="Cancel this run?" action="Cancel the run" run={cancel} onClose={onClose}>
      <p>Tables that it has not come to the end of are not compared. What was found of others stays.</p>
    </ConfirmDialog>
  );
}

function Actions({ run }: { run: Run }) {
  const [asking, setAsking] = useState<'cancel' | 'accept' | null>(null);
  const close = () => setAsking(null);
  return (
    <>
      {run.state === 'running' && (
        <button type="button" onClick={() => setAsking('cancel')}>
          Cancel
        </button>
      )}
      {acceptable(run).length > 0 && (
        <button type="button" onClick={() => setAsking('accept')}>
          Accept this level
        </button>
      )}
      {asking === 'cancel' && <CancelRun run={run} onClose={close} />}
      {asking === 'accept' && <AcceptDialog run={run} onClose={close} />}
    </>
  );
}

export default function RunPage() {
  const { id = '' } = useParams<{ id: string }>();
  const run = useQuery(runQuery(id));
  const session = useQuery(sessionQuery);
  const tables = useQuery(tablesQuery);
  if (run.isPending) return <Loading what="the run" />;
  if (run.isError)
    return (
      <>
        <PageHeader title="Run" about={<Link href="/nightly">All runs</Link>} />
        <ProblemNote error={run.error} retry={() => void run.refetch()} />
      </>
    );
  const people = session.data?.role !== 'agent';
  const clocks = Object.fromEntries((tables.data ?? []).map(t => [tableOf(t), t.clock]));
  const part = { run: run.data, clocks, people };
  return (
    <>
      <PageHeader
        title={`Run of ${dateTime(Date.parse(run.data.created)).slice(0, 16)}`}
        about={
          <>
            <Link href="/nightly">Nightly</Link> › {run.data.id}
            {run.data.label !== null && `, ${run.data.label}`}
          </>
        }
      >
        {people && <Actions run={run.data} />}
      </PageHeader>
      <Course run={run.data} />
      <Causes run={run.data} />
      <Findings {...part} />
      <Subnets {...part} />
      <Targets run={run.data} />
      <Speeds run={run.data} clocks={clocks} />
      <Request run={run.data} />
    </>
  );
}
