// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import type { Run } from '../../api/types';
import { ConfirmDialog } from '../../components/Dialog';
import { Field } from '../../components/Field';
import { toast } from '../../components/Toasts';
import { acceptable, tableOf } from './findings';
import { runQuery } from './queries';

/** Makes what a run measured the level that later ones are compared with: of all its tables, or of some. */
export function AcceptDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const client = useQueryClient();
  const [note, setNote] = useState('');
  const all = acceptable(run);
  const [left, setLeft] = useState<readonly string[]>([]);
  const chosen = all.filter(t => !left.includes(tableOf(t)));
  const accept = async () => {
    if (chosen.length === 0) throw new Error('Choose a table at least.');
    const targets = chosen.map(({ device, config }) => ({ device, config }));
    const body = { ...(chosen.length < run.targets.length && { targets }), ...(note !== '' && { note }) };
    const now = await answer(api.POST('/v1/runs/{id}/accept', { params: { path: { id: run.id } }, body }));
    client.setQueryData(runQuery(run.id).queryKey, now);
    toast('Later runs are compared with this one');
  };
  const toggle = (table: string, on: boolean) => setLeft(old => (on ? old.filter(t => t !== table) : [...old, table]));
  return (
    <ConfirmDialog title="Accept this level?" action="Accept this level" run={accept} onClose={onClose}>
      <p>
        Later runs are compared with this one, and what it found is not told again. Rows that have changed get what it
        measured of them in the tables that searches use; a table of another fingerprint is profiled anew.
      </p>
      {all.length > 1 && (
        <fieldset className="plain-set">
          <legend>Of which tables</legend>
          {all.map(t => (
            <label key={tableOf(t)} className="check">
              <input
                type="checkbox"
                checked={!left.includes(tableOf(t))}
                onChange={e => toggle(tableOf(t), e.target.checked)}
              />
              {tableOf(t)}
            </label>
          ))}
        </fieldset>
      )}
      <Field
        label="Why"
        value={note}
        onChange={setNote}
        placeholder="the runtime was upgraded to 3.2"
        help="Kept with the run; may be left out."
      />
    </ConfirmDialog>
  );
}
