// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** One profile: how it goes, what was thrown away and why, and what it came to. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation, useParams } from 'wouter';
import { answer, api } from '../../api/client';
import { devicesQuery, profileQuery, profilesQuery, sessionQuery } from '../../api/queries';
import type { Device, Profile } from '../../api/types';
import { ConfirmDialog } from '../../components/Dialog';
import { Figures } from '../../components/Figures';
import { count, duration, percent } from '../../components/format';
import { LayerText } from '../../components/LayerText';
import { Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import { Progress } from '../../components/Progress';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { toastProblem } from '../../components/Toasts';
import { TrustFigures } from './Trust';
import { again } from './profileForm';
import { canGoOn, ending, isActive, resolutionsText, shareOf, summary, tones } from './progress';
import './profiles.css';

/** Why a profile does not get on, where its device says so; null: it does, or it is not known. */
function waiting(profile: Profile, device: Device | undefined): string | null {
  if (!isActive(profile) || device?.state !== 'offline') return null;
  const who = device.agent === null ? 'No agent' : `Agent ${device.agent}, which alone serves ${device.name}, does not`;
  return device.agent === null
    ? `${who} is online: start one, and the profile goes on where it was.`
    : `${who} answer: start it, and the profile goes on where it was.`;
}

function Course({ profile }: { profile: Profile }) {
  const rate = profile.samples.rate_per_s;
  return (
    <section className="card stack" aria-label="Course">
      <div className="course">
        <State tone={tones[profile.state]}>{profile.state}</State>
        <span>{summary(profile)}</span>
      </div>
      <Progress share={shareOf(profile)} label="Progress" />
      <Figures
        items={[
          {
            name: 'Rows',
            value: `${count(profile.rows_done)} / ${count(profile.rows_total)}`,
            note: profile.ci > 0 ? `known to ± ${percent(profile.ci)}` : 'measured in all rounds',
          },
          {
            name: 'Visits',
            value: `${count(profile.visits_done)} / ${count(profile.visits_total)}`,
            note: `runs of ${count(profile.networks)} whole networks`,
          },
          isActive(profile)
            ? { name: 'Time left', value: duration(profile.eta_s), note: `${duration(profile.elapsed_s)} so far` }
            : {
                name: 'Took',
                value: duration(profile.elapsed_s),
                note: `${duration(profile.device_s)} of device time`,
              },
          {
            name: 'Samples a second',
            value: rate === null ? '–' : count(rate),
            note: 'timings of single layers, of device time',
          },
        ]}
      />
    </section>
  );
}

const leftOutColumns: ListColumn<Profile['left_out'][number]>[] = [
  { title: 'Layer', cell: row => <LayerText text={row.layer} /> },
  { title: 'Why', cell: row => row.why },
];

/** What was thrown away, and why. */
function Samples({ profile }: { profile: Profile }) {
  const { taken, preempted, left_out } = profile.samples;
  const share = (n: number) => (taken > 0 ? percent(n / taken) : undefined);
  return (
    <section className="section" aria-labelledby="samples">
      <h2 id="samples">Samples</h2>
      <div className="card stack">
        <Figures
          items={[
            { name: 'Taken', value: count(taken), note: 'timings of single layers' },
            { name: 'Preempted', value: count(preempted), note: share(preempted) },
            { name: 'Left out', value: count(left_out), note: share(left_out) },
            { name: 'Visits done again', value: count(profile.redone) },
            { name: 'Visits while throttled', value: count(profile.throttled) },
          ]}
        />
        <ul className="help reasons">
          <li>
            <b>Preempted</b>: the thread lost its core during them, so that they tell of somebody else’s work, too. Rows
            that have enough others leave them out; the rest count by CPU time.
          </li>
          <li>
            <b>Done again</b>: the sentinel, one subnet that is run every 0.3 s, was much slower than at its best: the
            device was throttled, or shared. Such visits are thrown away and repeated after a pause.
          </li>
          <li>
            <b>While throttled</b>: visits that were kept though it still was, after three attempts.
          </li>
        </ul>
      </div>
    </section>
  );
}

/** Rows that no whole network could give, and rows that the board can't run at all. */
function Board({ profile }: { profile: Profile }) {
  const { rows_alone: alone, rows_left_out: leftOut, left_out: first } = profile;
  if (alone === 0 && leftOut === 0) return null;
  return (
    <section className="section" aria-labelledby="board">
      <h2 id="board">What the board has no room for</h2>
      <div className="card stack">
        <Figures
          items={[
            { name: 'Rows timed alone', value: count(alone), note: 'they fit by themselves, but in no whole network' },
            { name: 'Rows left out', value: count(leftOut), note: 'they do not fit even by themselves' },
          ]}
        />
        {first.length > 0 && (
          <>
            <RowList label="Rows left out" columns={leftOutColumns} items={first} rowId={row => row.layer} />
            {leftOut > first.length && <p className="dim">The first {count(first.length)} of them.</p>}
          </>
        )}
      </div>
    </section>
  );
}

function Result({ profile }: { profile: Profile }) {
  const said = ending(profile);
  if (!profile.trust && !said) return null;
  return (
    <section className="section" aria-labelledby="trust">
      <h2 id="trust">How far to trust the table</h2>
      <div className="card stack">
        {said && <p>{said}</p>}
        {profile.trust ? (
          <TrustFigures trust={profile.trust} />
        ) : (
          <p className="dim">No held-out subnet was measured, so it is not known.</p>
        )}
      </div>
    </section>
  );
}

function Request({ profile: p }: { profile: Profile }) {
  const rows: [string, React.ReactNode][] = [
    ['Space', p.space],
    ['Resolutions', resolutionsText(p)],
    ['Precision', p.ci > 0 ? `± ${percent(p.ci)} of each row` : 'a fixed number of rounds'],
    ['Device time', p.budget_s > 0 ? `${duration(p.budget_s)} at most` : 'as long as it takes'],
    ['Held-out subnets', count(p.held_out)],
    ['Mode', p.calibrate ? 'calibration' : p.mode],
    ['Rounds, runs, warm-up', `${p.rounds}, ${p.runs}, ${p.warmup}`],
    ['Started', <Time key="started" at={p.created} />],
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

function Actions({ profile }: { profile: Profile }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    const now = await answer(api.DELETE('/v1/profiles/{id}', { params: { path: { id: profile.id } } }));
    client.setQueryData(profileQuery(profile.id).queryKey, now);
  };
  const resume = async () => {
    setBusy(true);
    try {
      const made = await answer(api.POST('/v1/profiles', { body: again(profile) }));
      void client.invalidateQueries({ queryKey: profilesQuery.queryKey });
      navigate(`/profiles/${made.id}`);
    } catch (error) {
      toastProblem(error);
    }
    setBusy(false);
  };
  return (
    <>
      {profile.rows_done > 0 && (
        <Link className="button" href={`/tables/${profile.device}/${profile.config}`}>
          Open the table
        </Link>
      )}
      {isActive(profile) && profile.mode !== 'night' && (
        <button type="button" onClick={() => setAsking(true)}>
          Cancel
        </button>
      )}
      {canGoOn(profile) && (
        <button type="button" className="primary" disabled={busy} onClick={() => void resume()}>
          Measure the rest
        </button>
      )}
      {asking && (
        <ConfirmDialog
          title="Cancel this profile?"
          action="Cancel the profile"
          run={cancel}
          onClose={() => setAsking(false)}
        >
          <p>
            What it measured stays in the table: {count(profile.rows_done)} of {count(profile.rows_total)} rows are
            done. The same profile again measures the rest.
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

export default function ProfilePage() {
  const { id = '' } = useParams<{ id: string }>();
  const profile = useQuery(profileQuery(id));
  const devices = useQuery(devicesQuery);
  const session = useQuery(sessionQuery);
  if (profile.isPending) return <Loading what="the profile" />;
  if (profile.isError)
    return (
      <>
        <PageHeader title="Profile" about={<Link href="/profiles">All profiles</Link>} />
        <ProblemNote error={profile.error} retry={() => void profile.refetch()} />
      </>
    );
  const p = profile.data;
  const stuck = waiting(
    p,
    devices.data?.find(d => d.name === p.device),
  );
  return (
    <>
      <PageHeader
        title={`${p.device}/${p.config}`}
        about={
          <>
            <Link href="/profiles">Profiles</Link> › {p.id}
          </>
        }
      >
        {session.data?.role !== 'agent' && <Actions profile={p} />}
      </PageHeader>
      <div className="stack">
        {p.error && (
          <div className="problem" role="alert">
            <p>
              {isActive(p) ? 'It goes on; what went wrong last: ' : ''}
              {p.error}
            </p>
          </div>
        )}
        {stuck && (
          <p className="note" role="status">
            {stuck}
          </p>
        )}
        <Course profile={p} />
      </div>
      <Result profile={p} />
      <Board profile={p} />
      <Samples profile={p} />
      <Request profile={p} />
    </>
  );
}
