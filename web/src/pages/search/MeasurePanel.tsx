// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { devicesQuery } from '../../api/queries';
import type { Device } from '../../api/types';
import { duration, ms, percent } from '../../components/format';
import { Loading, ProblemNote } from '../../components/Notes';
import { Progress as Bar } from '../../components/Progress';
import { Time } from '../../components/Time';
import { toastProblem } from '../../components/Toasts';
import { useUnit } from '../../components/unit';
import { isOpen, latestOf } from './measured';
import type { Measurement, SubnetAnswer } from './queries';
import { findSubnet, measurementsQuery, tableParts } from './queries';
import type { Question, SubnetBody } from './question';
import { subnetBody } from './question';

/** Why nothing can be measured on a device; null: it can. */
export function unreachable(device: Device | undefined): string | null {
  if (!device) return 'There is no such device any more.';
  if (!device.transport)
    return 'This device has no transport: its table was imported, and nothing can be measured on it.';
  return device.state === 'offline' ? 'The device is offline: what is asked for waits until its agent is back.' : null;
}

function Progress({ measurement: m }: { measurement: Measurement }) {
  const cancel = async () => {
    try {
      await answer(api.DELETE('/v1/measurements/{id}', { params: { path: { id: m.id } } }));
    } catch (error) {
      toastProblem(error);
    }
  };
  return (
    <div className="progress-row">
      <Bar label="Measuring" share={m.progress ?? null} />
      <span role="status">
        {m.state === 'queued' ? 'waits for the device' : `visit ${m.visits_done} of ${m.visits_total}`}
        {m.eta_s != null && m.state === 'running' && `, ${duration(m.eta_s)} left`}
      </span>
      <button type="button" className="quiet small" onClick={() => void cancel()}>
        Cancel
      </button>
    </div>
  );
}

/** @param drift how much slower the device is than its table has it. */
function driftText(drift: number): string {
  return `the device is ${percent(Math.abs(drift - 1), 0)} ${drift > 1 ? 'slower' : 'faster'} now than its table has it`;
}

/** Predicted beside measured. */
function Compared({ predicted_ms, measurement: m }: { predicted_ms: number; measurement: Measurement }) {
  const unit = useUnit();
  const [low, high] = m.latency_ms_range ?? [];
  const off = m.latency_ms === null ? null : m.latency_ms / predicted_ms - 1;
  const drifted = m.drift !== null && Math.abs(m.drift - 1) > 0.02;
  return (
    <>
      <dl className="pairs">
        <div>
          <dt>Predicted</dt>
          <dd>
            {ms(predicted_ms)} {unit}
          </dd>
        </div>
        <div>
          <dt>Measured</dt>
          <dd>
            <b>
              {ms(m.latency_ms)} {unit}
            </b>
            {off !== null && (
              <small className="dim">
                {' '}
                {off < 0 ? '−' : '+'}
                {percent(Math.abs(off))}
              </small>
            )}
          </dd>
        </div>
        <div>
          <dt>95 % interval</dt>
          <dd>
            {ms(low)} to {ms(high)} {unit}
          </dd>
        </div>
      </dl>
      <p className="dim small-print">
        {m.count} runs, <Time at={m.updated} />
        {drifted && `; ${driftText(m.drift ?? 1)}: ${ms(m.raw_ms)} ${unit} as seen`}
      </p>
    </>
  );
}

function MeasureOn({ table, chosen, device }: { table: string; chosen: SubnetAnswer; device: Device | undefined }) {
  const list = useQuery(measurementsQuery(table));
  const [busy, setBusy] = useState(false);
  const predicted_ms = chosen.latencies_ms?.[table] ?? chosen.latency_ms;
  const why = unreachable(device);
  const last = latestOf(list.data ?? [], chosen.subnet);
  const start = async () => {
    setBusy(true);
    try {
      await answer(api.POST('/v1/measurements', { body: { ...tableParts(table), subnet: chosen.subnet } }));
      await list.refetch();
    } catch (error) {
      toastProblem(error);
    }
    setBusy(false);
  };
  if (list.isPending) return <Loading what="measurements" />;
  if (list.isError) return <ProblemNote error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className="measure-on">
      <h3>{table}</h3>
      {last?.state === 'done' && <Compared predicted_ms={predicted_ms} measurement={last} />}
      {last?.state === 'failed' && <p className="why">The last try failed: {last.error}</p>}
      {last && isOpen(last) ? (
        <Progress measurement={last} />
      ) : (
        <button type="button" disabled={busy || !device?.transport} onClick={() => void start()}>
          {last?.state === 'done' ? 'Measure again' : 'Measure on the device now'}
        </button>
      )}
      {why && <p className="help">{why}</p>}
    </div>
  );
}

function AttemptList({ verified }: { verified: NonNullable<SubnetAnswer['verified']> }) {
  return (
    <table className="list compact">
      <thead>
        <tr>
          <th scope="col">Subnet</th>
          <th scope="col" data-numeric="true">
            Predicted
          </th>
          <th scope="col" data-numeric="true">
            Measured
          </th>
          <th scope="col" data-numeric="true">
            Top-1
          </th>
        </tr>
      </thead>
      <tbody>
        {verified.attempts.map((attempt, i) => (
          <tr key={attempt.measurement} data-chosen={attempt.measurement === verified.measurement}>
            <th scope="row">
              {i + 1}
              {attempt.measurement === verified.measurement && ' (taken)'}
            </th>
            <td data-numeric="true" data-label="Predicted">
              {ms(attempt.predicted_ms)}
            </td>
            <td data-numeric="true" data-label="Measured">
              {ms(attempt.latency_ms)}
            </td>
            <td data-numeric="true" data-label="Top-1">
              {percent(attempt.top1, 2)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Attempts({ answer: found }: { answer: SubnetAnswer }) {
  const verified = found.verified;
  const unit = useUnit();
  if (!verified) return null;
  const [low, high] = verified.latency_ms_range ?? [];
  return (
    <>
      <p>
        <b>
          {ms(verified.latency_ms)} {unit} measured
        </b>{' '}
        ({ms(low)} to {ms(high)}), {ms(verified.predicted_ms)} predicted
        {verified.asked_ms !== null && `, ${verified.asked_ms} asked for`}.
      </p>
      {verified.attempts.length > 1 && <AttemptList verified={verified} />}
    </>
  );
}
/** A search whose answers are measured until one fits. */
function Verify(props: {
  question: Question;
  device: Device | undefined;
  verified: SubnetAnswer | null;
  onVerified: (asked: SubnetBody, found: SubnetAnswer) => void;
}) {
  const { question, device, onVerified } = props;
  const [started, setStarted] = useState<{ at: number; control: AbortController } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const list = useQuery(measurementsQuery(question.tables[0] ?? ''));
  const since = started && new Date(started.at - 2000).toISOString();
  const tried = since ? (list.data ?? []).filter(m => m.subnet && m.created >= since) : [];
  const running = tried.find(isOpen);
  // Left page, called off search: the server ends one whose client is gone.
  useEffect(() => () => started?.control.abort(), [started]);
  const run = async () => {
    const control = new AbortController();
    setStarted({ at: Date.now(), control });
    setError(null);
    try {
      const asked = subnetBody(question);
      onVerified(asked, await findSubnet({ ...asked, verify: true }, control.signal));
    } catch (e) {
      if (!control.signal.aborted) setError(e);
    }
    setStarted(null);
  };
  if (question.tables.length > 1) return <p className="help">A verified search is for one table.</p>;
  return (
    <div className="measure-on">
      <h3>Verified search</h3>
      <p className="help">Measures what it finds, and searches on until what was measured fits. Takes seconds.</p>
      {props.verified && <Attempts answer={props.verified} />}
      {error !== null && <ProblemNote error={error} />}
      {started ? (
        <div className="progress-row">
          <Bar label="Verifying" share={running?.progress ?? null} />
          <span role="status">{tried.length === 0 ? 'searching' : `measuring subnet ${tried.length}, at most 5`}</span>
          <button type="button" className="quiet small" onClick={() => started.control.abort()}>
            Stop
          </button>
        </div>
      ) : (
        <button
          type="button"
          disabled={device?.transport == null || device.state === 'offline'}
          onClick={() => void run()}
        >
          {props.verified ? 'Verify again' : 'Search and verify'}
        </button>
      )}
    </div>
  );
}

/** The chosen subnet on its devices. */
export function MeasurePanel(props: {
  question: Question;
  chosen: SubnetAnswer;
  verified: SubnetAnswer | null;
  onVerified: (asked: SubnetBody, found: SubnetAnswer) => void;
}) {
  const devices = useQuery(devicesQuery);
  const deviceOf = (table: string) => devices.data?.find(d => d.name === tableParts(table).device);
  return (
    <section className="card measure" aria-label="On the device">
      <h2>On the device</h2>
      {devices.isError && <ProblemNote error={devices.error} retry={() => void devices.refetch()} />}
      {devices.data &&
        props.question.tables.map(table => (
          <MeasureOn key={table} table={table} chosen={props.chosen} device={deviceOf(table)} />
        ))}
      {devices.data && (
        <Verify
          question={props.question}
          device={deviceOf(props.question.tables[0] ?? '')}
          verified={props.verified}
          onVerified={props.onVerified}
        />
      )}
    </section>
  );
}
