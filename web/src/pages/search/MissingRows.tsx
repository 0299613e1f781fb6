// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { Problem } from '../../api/problem';
import { devicesQuery } from '../../api/queries';
import type { Space } from '../../api/types';
import { CopyButton } from '../../components/CopyButton';
import { ProblemNote } from '../../components/Notes';
import { toast, toastProblem } from '../../components/Toasts';
import { tableParts } from './queries';
import type { Question } from './question';

/** The table that a refusal is about: it names the field. */
function tableAt(q: Question, error: Problem): string {
  const at = /^tables\[(\d+)\]$/.exec(error.field ?? '');
  return q.tables[at ? Number(at[1]) : 0] ?? '';
}

/** Whether a refusal is for rows that a table lacks. */
export function isMissingRows(error: unknown): error is Problem {
  return error instanceof Problem && error.status === 409 && typeof error.body['command'] === 'string';
}

/** Rows are missing: measures them, at the resolutions that are chosen. @param filling that is under way already. */
export function MissingRows(props: { question: Question; error: Problem; space: Space | undefined; filling: boolean }) {
  const { question, error, space, filling } = props;
  const all = space?.resolutions ?? [];
  const [chosen, setChosen] = useState(question.resolutions.length > 0 ? question.resolutions : all.slice(0, 1));
  const [busy, setBusy] = useState(false);
  const devices = useQuery(devicesQuery);
  const table = tableAt(question, error);
  const parts = tableParts(table);
  const reachable = devices.data?.find(d => d.name === parts.device)?.transport != null;
  const toggle = (r: number) =>
    setChosen(chosen.includes(r) ? chosen.filter(c => c !== r) : [...chosen, r].sort((a, b) => a - b));
  const start = async () => {
    setBusy(true);
    try {
      const body = { ...parts, space: question.space, resolutions: chosen };
      const profile = await answer(api.POST('/v1/profiles', { body }));
      toast(`Profile ${profile.id} of ${table} has begun`);
    } catch (e) {
      toastProblem(e);
    }
    setBusy(false);
  };
  return (
    <section className="card stack" aria-label="Missing rows">
      <ProblemNote error={error} />
      <p>
        {table} lacks rows of this space
        {reachable ? ': choose resolutions, and have them measured.' : ', and nothing can be measured on its device.'}
      </p>
      {reachable && (
        <>
          <fieldset className="chips">
            <legend>Resolutions to measure</legend>
            {all.map(r => (
              <button key={r} type="button" aria-pressed={chosen.includes(r)} onClick={() => toggle(r)}>
                {r}
              </button>
            ))}
          </fieldset>
          <div className="actions">
            <button
              type="button"
              className="primary"
              disabled={busy || filling || chosen.length === 0}
              onClick={() => void start()}
            >
              Profile what is missing
            </button>
            <CopyButton text={String(error.body['command'])} what="the command" label="Copy the command" />
          </div>
        </>
      )}
    </section>
  );
}
