// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { answer, api } from '../../api/client';
import { devicesQuery, sessionQuery, tablesQuery } from '../../api/queries';
import type { Device, TableSummary } from '../../api/types';
import { Dialog } from '../../components/Dialog';
import { count, dateTime, fixed } from '../../components/format';
import { Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import type { Tone } from '../../components/State';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { toast, toastProblem } from '../../components/Toasts';
import { INSTRUCTIONS } from '../../components/unit';
import { AgentList, StartAgent } from './Agents';
import { DeviceDialog } from './DeviceDialog';
import { FirstVisit } from './FirstVisit';
import { RemoveDevice } from './RemoveDevice';
import './devices.css';

const tones: Record<Device['state'], Tone> = { online: 'good', busy: 'busy', quarantined: 'bad', offline: 'idle' };

/** What is open over the page. */
type Open = { what: 'new' | 'agent' } | { what: 'edit' | 'remove'; device: Device } | null;

function reachedBy(device: Device): string {
  const t = device.transport;
  if (!t) return 'no transport: its tables were imported';
  if (t.type === 'ssh') return `ssh ${t.destination}${t.port != null && t.port !== 22 ? `, port ${t.port}` : ''}`;
  if (t.type === 'serial') return `serial ${t.port}`;
  return t.cpus != null ? `local, processors ${t.cpus}` : 'local';
}

/** Why a device is in trouble. While it works, that is what its agent is trying to get over. */
function whyOf(device: Device): string | null {
  if (device.error == null) return null;
  return device.state === 'busy' ? device.error : `Its last work failed: ${device.error}`;
}

function DeviceState({ device }: { device: Device }) {
  const quarantined = device.state === 'quarantined';
  const why = whyOf(device);
  return (
    <>
      <State tone={why ? 'bad' : tones[device.state]}>
        {why && !quarantined ? `${device.state}, in trouble` : device.state}
      </State>
      {device.quarantined_until != null && (
        <p className="why">
          It failed again and again, and gets no work until {dateTime(Date.parse(device.quarantined_until))}, or until
          it is let out.
        </p>
      )}
      {why && <p className="why">{why}</p>}
    </>
  );
}

/** Let a device out of quarantine. Its event shows the outcome. */
async function letOut(device: Device): Promise<void> {
  try {
    await answer(
      api.PATCH('/v1/devices/{device}', { params: { path: { device: device.name } }, body: { quarantined: false } }),
    );
    toast(`${device.name} gets work again`);
  } catch (error) {
    toastProblem(error);
  }
}

/** Clock, temperature and load when it measured last, as far as they are known. */
function Condition({ device }: { device: Device }) {
  const c = device.condition;
  const parts = [
    c?.khz != null && `${fixed(c.khz / 1e6, 2)} GHz`,
    c?.temperature_c != null && `${fixed(c.temperature_c, 0)} °C`,
    c?.load != null && `${fixed(100 * c.load, 0)} % load of others`,
  ].filter(part => part !== false);
  if (!c || parts.length === 0) return <span className="dim">–</span>;
  return (
    <>
      {parts.join(', ')}{' '}
      <span className="dim">
        <Time at={c.at} />
      </span>
    </>
  );
}

/** What a microcontroller is. */
function BoardFacts({ board: b }: { board: NonNullable<Device['board']> }) {
  const kb = (bytes: number) => count(Math.round(bytes / 1024));
  const free = Math.max(0, b.flash_bytes - b.code_bytes);
  return (
    <ul className="plain board">
      <li>
        {b.name}, {b.core} at {fixed(b.clock_hz / 1e6, 0)} MHz{b.emulated && ', emulated'}
      </li>
      <li>
        {kb(b.sram_bytes)} KiB SRAM <span className="dim">({kb(b.arena_bytes)} for activations)</span>,{' '}
        {kb(b.flash_bytes)} KiB flash <span className="dim">({kb(free)} for weights)</span>
      </li>
      <li className="dim">
        {b.clock === 'instructions' ? `counts ${INSTRUCTIONS}` : `times by ${b.timer}`}; {b.runner}
      </li>
      {b.fault !== null && <li className="why">Before its last run: {b.fault}</li>}
    </ul>
  );
}

function Reached({ device }: { device: Device }) {
  return (
    <>
      {reachedBy(device)}
      {device.board && <BoardFacts board={device.board} />}
    </>
  );
}

function Tables({ device, tables }: { device: Device; tables: readonly TableSummary[] | undefined }) {
  const own = (tables ?? []).filter(t => t.device === device.name);
  if (own.length === 0) return <span className="dim">none</span>;
  return (
    <ul className="plain">
      {own.map(t => (
        <li key={t.config}>
          <Link href={`/tables/${t.device}/${t.config}`}>{t.config}</Link>
        </li>
      ))}
    </ul>
  );
}

function columnsOf(
  tables: readonly TableSummary[] | undefined,
  open: ((open: Open) => void) | null,
): ListColumn<Device>[] {
  const columns: ListColumn<Device>[] = [
    { title: 'Name', cell: d => d.name },
    { title: 'State', cell: d => <DeviceState device={d} /> },
    { title: 'Reached', cell: d => <Reached device={d} /> },
    { title: 'Agent', cell: d => d.agent ?? <span className="dim">any</span> },
    { title: 'When it measured', cell: d => <Condition device={d} /> },
    { title: 'Last seen', cell: d => <Time at={d.last_seen} /> },
    { title: 'Tables', cell: d => <Tables device={d} tables={tables} /> },
  ];
  if (!open) return columns;
  const actions = (d: Device) => (
    <div className="actions row-actions">
      {d.state === 'quarantined' && (
        <button type="button" aria-label={`Let out ${d.name}`} onClick={() => void letOut(d)}>
          Let out
        </button>
      )}
      {d.transport && (
        <Link className="button" href={`/profiles/new?device=${d.name}`} aria-label={`Profile ${d.name}`}>
          Profile
        </Link>
      )}
      <button type="button" aria-label={`Change ${d.name}`} onClick={() => open({ what: 'edit', device: d })}>
        Change
      </button>
      <button type="button" aria-label={`Remove ${d.name}`} onClick={() => open({ what: 'remove', device: d })}>
        Remove
      </button>
    </div>
  );
  return [...columns, { title: 'Actions', cell: actions }];
}

function Opened({ open, close }: { open: Open; close: () => void }) {
  if (open?.what === 'new') return <DeviceDialog onClose={close} />;
  if (open?.what === 'edit') return <DeviceDialog device={open.device} onClose={close} />;
  if (open?.what === 'remove') return <RemoveDevice name={open.device.name} onClose={close} />;
  if (open?.what !== 'agent') return null;
  return (
    <Dialog title="Start another agent" onClose={close}>
      <StartAgent />
      <div className="actions">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

export default function DevicesPage() {
  const devices = useQuery(devicesQuery);
  const tables = useQuery(tablesQuery);
  const session = useQuery(sessionQuery);
  const [open, setOpen] = useState<Open>(null);
  if (devices.isPending) return <Loading what="devices" />;
  if (devices.isError) return <ProblemNote error={devices.error} retry={() => void devices.refetch()} />;
  const people = session.data?.role !== 'agent';
  return (
    <>
      <PageHeader title="Devices" about="Boards, phones and machines that latency is measured on.">
        {people && devices.data.length > 0 && (
          <button type="button" className="primary" onClick={() => setOpen({ what: 'new' })}>
            Register a device
          </button>
        )}
      </PageHeader>
      {devices.data.length === 0 ? (
        <FirstVisit register={() => setOpen({ what: 'new' })} />
      ) : (
        <>
          <RowList
            label="Devices"
            columns={columnsOf(tables.data, people ? setOpen : null)}
            items={devices.data}
            rowId={d => d.name}
          />
          {people && (
            <section className="section">
              <div className="section-header">
                <h2>Agents</h2>
                <button type="button" onClick={() => setOpen({ what: 'agent' })}>
                  Start another
                </button>
              </div>
              <AgentList devices={devices.data} />
            </section>
          )}
        </>
      )}
      <Opened open={open} close={() => setOpen(null)} />
    </>
  );
}
