// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Agents: who they are, and how one is started. */
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { agentsQuery, sessionQuery } from '../../api/queries';
import type { Agent, Device } from '../../api/types';
import { CommandLine } from '../../components/CommandLine';
import { Field } from '../../components/Field';
import { nameError } from '../../components/names';
import { Loading, ProblemNote } from '../../components/Notes';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { State } from '../../components/State';
import { Time } from '../../components/Time';

function reach(agent: Agent): string {
  if (agent.sees === null) return 'not told yet';
  const many = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  return `${many(agent.sees.ssh.length, 'ssh host')}, ${many(agent.sees.serial.length, 'serial port')}`;
}

export function AgentList({ devices }: { devices: readonly Device[] }) {
  const agents = useQuery(agentsQuery);
  if (agents.isPending) return <Loading what="agents" />;
  if (agents.isError) return <ProblemNote error={agents.error} retry={() => void agents.refetch()} />;
  if (agents.data.length === 0) return <p className="dim">None has been heard of yet.</p>;
  const columns: ListColumn<Agent>[] = [
    { title: 'Name', cell: a => a.name },
    {
      title: 'State',
      cell: a => <State tone={a.online ? 'good' : 'idle'}>{a.online ? 'online' : 'offline'}</State>,
    },
    {
      title: 'Its devices',
      cell: a =>
        devices
          .filter(d => d.agent === a.name)
          .map(d => d.name)
          .join(', ') || <span className="dim">none of its own</span>,
    },
    { title: 'In reach', cell: reach },
    { title: 'Last seen', cell: a => <Time at={a.last_seen} /> },
  ];
  return <RowList label="Agents" columns={columns} items={agents.data} rowId={a => a.name} />;
}

/** How an agent is started, line by line; an admin gets its token here, shown this once. */
export function StartAgent() {
  const client = useQueryClient();
  const session = useQuery(sessionQuery);
  const [name, setName] = useState('lab');
  const [token, setToken] = useState<{ name: string; token: string } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const admin = session.data?.role === 'admin';
  const wrong = nameError(name, 'agent');
  const make = async () => {
    try {
      setToken(await answer(api.POST('/v1/tokens', { body: { name, role: 'agent' } })));
      setError(null);
      void client.invalidateQueries({ queryKey: ['token'] });
    } catch (e) {
      setError(e);
    }
  };
  // Spaces before a command keep it, and the secret in it, out of most shells' histories.
  const keep = token
    ? ` printf '%s\\n' ${token.token} > ${token.name}.token`
    : `lathe token create ${name || 'NAME'} --role agent > ${name || 'NAME'}.token`;
  const used = token?.name ?? (name || 'NAME');
  const run = `lathe-agent --server ${location.origin} --name ${used} --token-file ${used}.token`;
  return (
    <div className="stack">
      {admin && !token && (
        <div className="field-row end">
          <Field label="The agent’s name" value={name} onChange={setName} error={wrong} spellCheck={false} />
          <button type="button" disabled={wrong !== undefined} onClick={() => void make()}>
            Make its token
          </button>
        </div>
      )}
      {error !== null && <ProblemNote error={error} />}
      <div>
        <p>
          {token
            ? 'On the machine beside the device: keep the token in a file. It is shown this once.'
            : admin
              ? 'Or make it on the server’s machine:'
              : 'An admin makes a token for the agent:'}
        </p>
        <CommandLine text={keep} what="the line that keeps the token" />
      </div>
      <div>
        <p>Then start the agent there:</p>
        <CommandLine text={run} what="the line that starts the agent" />
      </div>
    </div>
  );
}
