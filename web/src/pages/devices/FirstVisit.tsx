// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useQuery } from '@tanstack/react-query';
import { agentsQuery } from '../../api/queries';
import { CommandLine } from '../../components/CommandLine';
import { State } from '../../components/State';
import { StartAgent } from './Agents';

/** What to do where there is no device: an agent, then a device, then a profile. */
export function FirstVisit({ register }: { register: () => void }) {
  const agents = useQuery(agentsQuery);
  const online = (agents.data ?? []).filter(a => a.online);
  return (
    <section className="card first-visit" aria-labelledby="first-visit">
      <h2 id="first-visit">There is no device yet</h2>
      <p className="dim">
        From here to a table of how long each layer takes on your own device, it takes three steps and a few minutes.
      </p>
      <ol>
        <li>
          <h3>Start an agent</h3>
          <p>
            It runs on the device, or on a machine that reaches it by ssh, asks this server for work, and does the
            measuring.
          </p>
          {online.length > 0 ? (
            <p role="status">
              <State tone="good">{`${online.map(a => a.name).join(', ')} ${online.length === 1 ? 'is' : 'are'} online`}</State>
            </p>
          ) : (
            <>
              <StartAgent />
              <p role="status">
                <State tone="idle">Waiting for an agent</State>
              </p>
            </>
          )}
        </li>
        <li>
          <h3>Register the device</h3>
          <p>What agents have in reach is in the form already. A shell does it, too:</p>
          <CommandLine text="lathe device add local" what="the line that registers a device" />
          <div className="actions">
            <button type="button" className={online.length > 0 ? 'primary' : undefined} onClick={register}>
              Register a device
            </button>
          </div>
        </li>
        <li>
          <h3>Profile it</h3>
          <p>
            A profile measures every layer choice of a supernet inside whole networks. It is started from the device’s
            row here, or under Profiles.
          </p>
        </li>
      </ol>
    </section>
  );
}
