// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import type { FormEvent } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { sessionQuery } from '../../api/queries';
import { Field } from '../../components/Field';
import { ProblemNote } from '../../components/Notes';
import { toast } from '../../components/Toasts';
import { tableOf } from '../nightly/findings';
import { ship, shippedQuery } from '../nightly/queries';
import type { SubnetAnswer } from './queries';
import type { Question } from './question';
import { shipBody, shippedName } from './shipping';

/** Says that the chosen subnet is in use, so that nights look after it. */
export function ShipPanel({ question, chosen }: { question: Question; chosen: SubnetAnswer }) {
  const client = useQueryClient();
  const session = useQuery(sessionQuery);
  const shipped = useQuery(shippedQuery);
  const [typed, setTyped] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const name = typed ?? shippedName(question, chosen);
  const others = (shipped.data ?? []).filter(s => question.tables.includes(tableOf(s)) && s.name === name);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      for (const body of shipBody(question, chosen, name)) await ship(body);
      void client.invalidateQueries({ queryKey: shippedQuery.queryKey });
      toast(`Nights look after ${name} from now on`);
    } catch (e) {
      setError(e);
    }
    setBusy(false);
  };
  if (session.data?.role === 'agent') return null;
  return (
    <section className="card ship" aria-label="Ship it">
      <h2>Ship it</h2>
      <form className="stack" onSubmit={e => void submit(e)}>
        <Field
          label="Name"
          value={name}
          onChange={setTyped}
          spellCheck={false}
          help={
            others.length > 0
              ? 'There is one of this name: it is replaced.'
              : 'For a subnet that is in use: nightly runs time it, and tell when it misses its limit.'
          }
        />
        {error !== null && <ProblemNote error={error} />}
        <div className="actions">
          <button type="submit" disabled={busy || name === ''}>
            Ship
          </button>
          <Link className="button" href="/nightly">
            What is shipped
          </Link>
        </div>
      </form>
    </section>
  );
}
