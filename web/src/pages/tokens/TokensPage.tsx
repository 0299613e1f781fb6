// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Who may sign in and call: for admins. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, api, everyPage } from '../../api/client';
import { Problem } from '../../api/problem';
import { sessionQuery } from '../../api/queries';
import type { Token } from '../../api/types';
import { CommandLine } from '../../components/CommandLine';
import { ConfirmDialog, Dialog } from '../../components/Dialog';
import { Field, SelectField } from '../../components/Field';
import { Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { Time } from '../../components/Time';
import { toast } from '../../components/Toasts';
import { nameError } from '../../components/names';

const tokensQuery = queryOptions({
  queryKey: ['token', 'list'],
  queryFn: () => everyPage(cursor => answer(api.GET('/v1/tokens', { params: { query: { limit: 1000, cursor } } }))),
});

const roles: Record<Token['role'], string> = {
  admin: 'may do everything, and makes tokens',
  user: 'registers devices, profiles, measures and searches',
  agent: 'serves devices, as the agent of its name',
};

function NewToken({ taken, onClose }: { taken: readonly string[]; onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Token['role']>('user');
  const [secret, setSecret] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const wrong = name === '' ? undefined : nameError(name, 'token', taken);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const made = await answer(api.POST('/v1/tokens', { body: { name, role } }));
      setSecret(made.token);
      void client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    } catch (e) {
      setError(e);
    }
  };
  if (secret !== null)
    return (
      <Dialog title={`The token ${name}`} onClose={onClose}>
        <p>It is shown this once: copy it now.</p>
        <CommandLine text={secret} what="the token" />
        <div className="actions">
          <button type="button" className="primary" onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  const refused = error instanceof Problem && error.field === 'name';
  return (
    <Dialog title="Make a token" onClose={onClose}>
      <form className="stack" noValidate onSubmit={e => void submit(e)}>
        <Field
          label="Name"
          value={name}
          onChange={v => {
            setName(v);
            setError(null);
          }}
          error={wrong ?? (refused ? error.message : undefined)}
          help="Of an agent’s token: the agent’s name."
          spellCheck={false}
          autoCapitalize="none"
        />
        <SelectField label="Role" value={role} onChange={v => setRole(v as Token['role'])} help={roles[role]}>
          {Object.keys(roles).map(r => (
            <option key={r}>{r}</option>
          ))}
        </SelectField>
        {error !== null && !refused && <ProblemNote error={error} />}
        <div className="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={name === '' || wrong !== undefined}>
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function RevokeToken({ token, own, onClose }: { token: Token; own: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = async () => {
    await answer(api.DELETE('/v1/tokens/{token}', { params: { path: { token: token.name } } }));
    toast(`Revoked ${token.name}`);
    await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    if (own) await client.invalidateQueries(sessionQuery);
  };
  return (
    <ConfirmDialog title={`Revoke ${token.name}?`} action={`Revoke ${token.name}`} run={revoke} onClose={onClose}>
      <p>Calls with it are refused from now on.</p>
      {token.role === 'agent' && <p>The agent {token.name} gets no more work until it has a new one.</p>}
      {own && <p>You are signed in with it: you will be signed out.</p>}
    </ConfirmDialog>
  );
}

function Tokens({ self }: { self: string }) {
  const tokens = useQuery(tokensQuery);
  const [making, setMaking] = useState(false);
  const [revoked, setRevoked] = useState<Token | null>(null);
  if (tokens.isPending) return <Loading what="tokens" />;
  if (tokens.isError) return <ProblemNote error={tokens.error} retry={() => void tokens.refetch()} />;
  const columns: ListColumn<Token>[] = [
    { title: 'Name', cell: t => (t.name === self ? `${t.name} (you)` : t.name) },
    {
      title: 'Role',
      cell: t => (
        <>
          {t.role} <span className="dim">{roles[t.role]}</span>
        </>
      ),
    },
    { title: 'Made', cell: t => <Time at={t.created} /> },
    {
      title: 'Actions',
      cell: t => (
        <button type="button" aria-label={`Revoke ${t.name}`} onClick={() => setRevoked(t)}>
          Revoke
        </button>
      ),
    },
  ];
  return (
    <>
      <PageHeader
        title="Tokens"
        about="Who may sign in here and call the API. Secrets are shown once, when they are made."
      >
        <button type="button" className="primary" onClick={() => setMaking(true)}>
          Make a token
        </button>
      </PageHeader>
      <RowList label="Tokens" columns={columns} items={tokens.data} rowId={t => t.name} />
      {making && <NewToken taken={tokens.data.map(t => t.name)} onClose={() => setMaking(false)} />}
      {revoked && <RevokeToken token={revoked} own={revoked.name === self} onClose={() => setRevoked(null)} />}
    </>
  );
}

export default function TokensPage() {
  const session = useQuery(sessionQuery);
  if (!session.data) return null;
  if (session.data.role === 'admin') return <Tokens self={session.data.name} />;
  return (
    <>
      <PageHeader title="Tokens" />
      <p>Tokens are made and revoked by admins.</p>
    </>
  );
}
