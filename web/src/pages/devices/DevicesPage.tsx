// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useQuery } from '@tanstack/react-query';
import { devicesQuery } from '../../api/queries';
import type { Device } from '../../api/types';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import type { Tone } from '../../components/State';
import { State } from '../../components/State';
import { Time } from '../../components/Time';

const tones: Record<Device['state'], Tone> = { online: 'good', busy: 'busy', offline: 'idle' };

function reachedBy(device: Device): string {
  const transport = device.transport;
  if (!transport) return 'no transport: its tables were imported';
  if (transport.type === 'ssh') return `ssh ${transport.destination}`;
  if (transport.type === 'serial') return `serial ${transport.port}`;
  return 'local';
}

function DeviceState({ device }: { device: Device }) {
  return (
    <>
      <State tone={device.error ? 'bad' : tones[device.state]}>{device.state}</State>
      {device.error && <p className="why">Its last work failed: {device.error}</p>}
    </>
  );
}

const columns: ListColumn<Device>[] = [
  { title: 'Name', cell: d => d.name },
  { title: 'State', cell: d => <DeviceState device={d} /> },
  { title: 'Reached by', cell: reachedBy },
  { title: 'Agent', cell: d => d.agent ?? <span className="dim">any</span> },
  { title: 'Last seen', cell: d => <Time at={d.last_seen} /> },
];

export default function DevicesPage() {
  const devices = useQuery(devicesQuery);
  if (devices.isPending) return <Loading what="devices" />;
  if (devices.isError) return <ProblemNote error={devices.error} retry={() => void devices.refetch()} />;
  return (
    <>
      <PageHeader title="Devices" about="Boards, phones and machines that latency is measured on." />
      {devices.data.length === 0 ? (
        <Empty title="There is no device yet" />
      ) : (
        <RowList label="Devices" columns={columns} items={devices.data} rowId={d => d.name} />
      )}
    </>
  );
}
