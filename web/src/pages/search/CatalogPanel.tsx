// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { devicesQuery } from '../../api/queries';
import type { Network } from '../../api/types';
import { Dialog } from '../../components/Dialog';
import { duration, fixed, ms, percent } from '../../components/format';
import { Loading, ProblemNote } from '../../components/Notes';
import { Progress } from '../../components/Progress';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { toastProblem } from '../../components/Toasts';
import { useUnit } from '../../components/unit';
import { costs } from './costs';
import { catalogState } from './measured';
import { unreachable } from './MeasurePanel';
import type { FrontPoint, MeasuredNetwork, Measurement } from './queries';
import { measurementsQuery, networksQuery, tableParts } from './queries';
import { bestWithin } from './ranges';

function ChooseFamilies(props: { table: string; networks: Network[]; onClose: () => void; onStarted: () => void }) {
  const families = [...new Set(props.networks.map(n => n.family))];
  const [off, setOff] = useState<string[]>([]);
  const [sent, setSent] = useState<number | null>(null);
  const wanted = props.networks.filter(n => !off.includes(n.family));
  const start = async () => {
    let done = 0;
    try {
      for (const { name } of wanted) {
        setSent(done++);
        await answer(api.POST('/v1/measurements', { body: { ...tableParts(props.table), network: name } }));
      }
      props.onClose();
    } catch (error) {
      toastProblem(error);
      setSent(null);
    }
    props.onStarted();
  };
  return (
    <Dialog title={`Measure published networks on ${tableParts(props.table).device}`} onClose={props.onClose}>
      <p>Each is timed end to end, in ten visits of five runs: seconds for each on most devices.</p>
      <fieldset className="checks">
        <legend className="visually-hidden">Families</legend>
        {families.map(family => (
          <label key={family}>
            <input
              type="checkbox"
              checked={!off.includes(family)}
              onChange={e => setOff(e.target.checked ? off.filter(f => f !== family) : [...off, family])}
            />
            {family} ({props.networks.filter(n => n.family === family).length})
          </label>
        ))}
      </fieldset>
      <div className="actions">
        <button type="button" onClick={props.onClose}>
          Close
        </button>
        <button
          type="button"
          className="primary"
          disabled={wanted.length === 0 || sent !== null}
          onClick={() => void start()}
        >
          {sent === null ? `Measure ${wanted.length}` : `Asking for ${sent + 1} of ${wanted.length}`}
        </button>
      </div>
    </Dialog>
  );
}

/** How far the measuring has come, and a way to end it. */
function Underway({ open }: { open: Measurement[] }) {
  const [stopping, setStopping] = useState(false);
  const running = open.find(m => m.state === 'running');
  const each = running?.device_s && running.progress ? running.device_s / running.progress : null;
  const stop = async () => {
    setStopping(true);
    // From the end: the device does not begin one while another is being called off.
    const results = await Promise.allSettled(
      [...open].reverse().map(m => answer(api.DELETE('/v1/measurements/{id}', { params: { path: { id: m.id } } }))),
    );
    const failed = results.find(r => r.status === 'rejected');
    if (failed) toastProblem(failed.reason);
    setStopping(false);
  };
  return (
    <div className="progress-row">
      <Progress label="Measuring the catalog" share={running?.progress ?? null} />
      <span role="status">
        {running?.network ? `measuring ${running.network.name ?? 'a network'}` : 'waiting for the device'},{' '}
        {open.length} to go
        {each !== null && `, about ${duration(each * open.length)}`}
      </span>
      <button type="button" className="quiet small" disabled={stopping} onClick={() => void stop()}>
        Stop
      </button>
    </div>
  );
}

function columnsOf(
  points: FrontPoint[],
  onLimit: (limit: number) => void,
  unit: string,
): ListColumn<MeasuredNetwork>[] {
  return [
    { title: 'Network', cell: n => n.title },
    { title: `Latency, ${unit}`, cell: n => ms(n.latency_ms), numeric: true },
    { title: 'Top-1, published', cell: n => percent(n.top1), numeric: true },
    { title: 'MACs, M', cell: n => costs.macs_m.text(n.macs_m), numeric: true },
    {
      title: 'Subnet as fast',
      numeric: true,
      cell: n => {
        const best = bestWithin(points, 'latency_ms', n.latency_ms);
        if (!best) return <span className="dim">none is</span>;
        const gain = (best.top1 - n.top1) * 100;
        return (
          <button
            type="button"
            className="quiet small"
            title="Predicted without fine-tuning, against published"
            onClick={() => onLimit(n.latency_ms)}
          >
            {percent(best.top1)} ({gain < 0 ? '−' : '+'}
            {fixed(Math.abs(gain), 1)})
          </button>
        );
      },
    },
  ];
}

/** Published networks that were measured on the device, beside what a subnet of equal latency has.
 *  @param points of the front against latency; empty while it is not there.
 *  @param onLimit a network's latency was chosen as the limit. */
export function CatalogPanel(props: {
  table: string;
  measured: MeasuredNetwork[] | undefined;
  error: unknown;
  points: FrontPoint[];
  onLimit: (limit: number) => void;
}) {
  const { table } = props;
  const unit = useUnit();
  const [choosing, setChoosing] = useState(false);
  const catalog = useQuery(networksQuery);
  const list = useQuery(measurementsQuery(table));
  const devices = useQuery(devicesQuery);
  const device = devices.data?.find(d => d.name === tableParts(table).device);
  const error = props.error ?? catalog.error ?? list.error;
  const names = (props.measured ?? []).map(n => n.network);
  const { missing, open } = catalogState(catalog.data ?? [], names, list.data ?? []);
  const sorted = [...(props.measured ?? [])].sort((a, b) => a.latency_ms - b.latency_ms);
  return (
    <section className="card catalog" aria-label="Published networks">
      <div className="card-head">
        <h2>Published networks on {tableParts(table).device}</h2>
        {missing.length > 0 && device?.transport && (
          <button type="button" onClick={() => setChoosing(true)}>
            Measure {names.length > 0 ? `${missing.length} more` : `the catalog’s ${missing.length}`}
          </button>
        )}
      </div>
      {error != null && <ProblemNote error={error} />}
      {!props.measured && error == null && <Loading what="published networks" />}
      {open.length > 0 && <Underway open={open} />}
      {props.measured && sorted.length === 0 && open.length === 0 && (
        <p className="dim">
          None has been measured here yet. Measured, they show in the plot what others reach at the same latency.
          {device && !device.transport && ` ${unreachable(device) ?? ''}`}
        </p>
      )}
      {sorted.length > 0 && (
        <>
          <RowList
            label="Published networks"
            columns={columnsOf(props.points, props.onLimit, unit)}
            items={sorted}
            rowId={n => n.network}
          />
          <p className="dim small-print">
            Networks have their published top-1. That of subnets is predicted, as they come out of the supernet, without
            fine-tuning.
          </p>
        </>
      )}
      {choosing && (
        <ChooseFamilies
          table={table}
          networks={missing}
          onClose={() => setChoosing(false)}
          onStarted={() => void list.refetch()}
        />
      )}
    </section>
  );
}
