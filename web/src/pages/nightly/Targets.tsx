// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { Link } from 'wouter';
import type { Run } from '../../api/types';
import { count, duration, percent } from '../../components/format';
import { Progress } from '../../components/Progress';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import type { Tone } from '../../components/State';
import { State } from '../../components/State';
import type { Target } from './findings';
import { changeText, intervalText, tableOf } from './findings';

const tones: Record<Target['state'], Tone> = {
  waiting: 'idle',
  profiling: 'busy',
  measuring: 'busy',
  confirming: 'busy',
  done: 'good',
  failed: 'bad',
  cancelled: 'idle',
};

const isEnded = (t: Target) => t.state === 'done' || t.state === 'failed' || t.state === 'cancelled';

function Going({ target: t }: { target: Target }) {
  return (
    <div className="going">
      <State tone={tones[t.state]}>{t.state}</State>
      {!isEnded(t) && <Progress share={t.progress} label={`Progress of ${tableOf(t)}`} />}
      {!isEnded(t) && t.eta_s !== null && <span>{duration(t.eta_s)} left</span>}
      {t.error !== null && <p className="why">{t.error}</p>}
    </div>
  );
}

/** What the night was set against. */
function Against({ target: t }: { target: Target }) {
  if (t.first) return <>nothing: it is the first, and the level of those to come</>;
  if (t.baseline_run === null) return <span className="dim">–</span>;
  return (
    <>
      <Link href={`/nightly/${t.baseline_run}`}>{t.baseline_run}</Link>
      {t.accepted && <span className="dim">, itself accepted now</span>}
    </>
  );
}

function Speed({ target: { speed } }: { target: Target }) {
  if (speed === null) return <span className="dim">–</span>;
  const interval = intervalText(speed.interval);
  return (
    <>
      {changeText(speed.ratio)} time{interval && <span className="dim"> ({interval})</span>}
      {speed.load !== null && (
        <div className="dim">
          load of others {percent(speed.load_before, 0)}, now {percent(speed.load, 0)}
          {speed.by_load && ': that is why'}
        </div>
      )}
    </>
  );
}

const columns: ListColumn<Target>[] = [
  { title: 'Table', cell: t => <Link href={`/tables/${tableOf(t)}`}>{tableOf(t)}</Link> },
  { title: 'State', cell: t => <Going target={t} /> },
  {
    title: 'Rows measured',
    numeric: true,
    cell: t =>
      t.profile === null ? (
        `${count(t.rows_measured)} / ${count(t.rows_total)}`
      ) : (
        <Link href={`/profiles/${t.profile}`}>
          {count(t.rows_measured)} / {count(t.rows_total)}
        </Link>
      ),
  },
  { title: 'Compared', numeric: true, cell: t => count(t.rows_compared) },
  { title: 'Confirmations', numeric: true, cell: t => count(t.confirmations) },
  { title: 'Device time', numeric: true, cell: t => duration(t.device_s) },
  { title: 'The device itself', cell: t => <Speed target={t} /> },
  { title: 'Set against', cell: t => <Against target={t} /> },
];

/** The tables of a run, and how each goes. */
export function Targets({ run }: { run: Run }) {
  return (
    <section className="section" aria-labelledby="targets">
      <h2 id="targets">Tables</h2>
      <RowList label="Tables of the run" columns={columns} items={run.targets} rowId={tableOf} />
    </section>
  );
}
