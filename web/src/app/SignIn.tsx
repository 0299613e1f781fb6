// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import type { FormEvent } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../api/client';
import { Problem } from '../api/problem';
import { sessionQuery } from '../api/queries';
import { Field } from '../components/Field';
import { ProblemNote } from '../components/Notes';

/** By a token, which the server keeps for the browser in a cookie that no script can read. */
export function SignIn() {
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const session = await answer(api.POST('/v1/session', { body: { token: token.trim() } }));
      client.setQueryData(sessionQuery.queryKey, session);
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  const unknown = error instanceof Problem && error.status === 401;
  return (
    <main className="lone">
      <h1>Lathe</h1>
      <p>Latency tables of your own devices, and subnets cut to fit them.</p>
      <form onSubmit={e => void submit(e)} className="card stack">
        {/* Password managers file a token under a name. */}
        <input hidden readOnly autoComplete="username" value="lathe" />
        <Field
          label="Token"
          type="password"
          autoComplete="current-password"
          autoFocus
          required
          value={token}
          onChange={setToken}
          error={unknown ? 'The server does not know this token.' : null}
          help={
            <>
              The admin’s is in <code>admin.token</code> in the server’s data folder; others are made with{' '}
              <code>lathe token create NAME</code>.
            </>
          }
        />
        {error !== null && !unknown && <ProblemNote error={error} />}
        <button type="submit" className="primary" disabled={busy || token.trim() === ''}>
          Sign in
        </button>
      </form>
    </main>
  );
}
