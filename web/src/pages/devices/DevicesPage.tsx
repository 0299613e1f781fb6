// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useQuery } from '@tanstack/react-query';
import { devicesQuery } from '../../api/queries';
import type { Device } from '../../api/types';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
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

function DeviceRow({ device }: { device: Device }) {
  return (
    <tr>
      <th scope="row">{device.name}</th>
      <td>
        <State tone={device.error ? 'bad' : tones[device.state]}>{device.error ? 'quarantined' : device.state}</State>
        {device.error && <p className="why">{device.error}</p>}
      </td>
      <td>{reachedBy(device)}</td>
      <td>{device.agent ?? <span className="dim">any</span>}</td>
      <td>
        <Time at={device.last_seen} />
      </td>
    </tr>
  );
}

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
        <table className="list">
          <thead>
            <tr>
              {['Name', 'State', 'Reached by', 'Agent', 'Last seen'].map(title => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {devices.data.map(device => (
              <DeviceRow key={device.name} device={device} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
