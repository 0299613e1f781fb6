// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { devicesQuery, profilesQuery, tablesQuery } from '../../api/queries';
import { ConfirmDialog } from '../../components/Dialog';
import { count } from '../../components/format';
import { Loading, ProblemNote } from '../../components/Notes';
import { toast } from '../../components/Toasts';

/** Says what goes with a device before it goes. */
export function RemoveDevice({ name, onClose }: { name: string; onClose: () => void }) {
  const client = useQueryClient();
  const tables = useQuery(tablesQuery);
  const profiles = useQuery(profilesQuery);
  const lost = (tables.data ?? []).filter(t => t.device === name);
  const running = (profiles.data ?? []).filter(p => p.device === name && ['queued', 'running'].includes(p.state));
  const remove = async () => {
    if (!tables.data) throw tables.error ?? new Error('It is not known yet which tables would go.');
    // Only what was shown goes: of a table that is new since then, the server says so.
    const query = lost.length > 0 ? { with_tables: true } : {};
    await answer(api.DELETE('/v1/devices/{device}', { params: { path: { device: name }, query } }));
    client.setQueryData(devicesQuery.queryKey, list => list?.filter(d => d.name !== name));
    toast(`Removed ${name}`);
  };
  return (
    <ConfirmDialog
      title={`Remove ${name}?`}
      action={lost.length > 0 ? `Remove ${name} and its tables` : `Remove ${name}`}
      run={remove}
      onClose={onClose}
    >
      {tables.isPending && <Loading what="its tables" />}
      {tables.isError && <ProblemNote error={tables.error} />}
      {tables.isSuccess && lost.length === 0 && <p>It has no tables. Nothing that was measured is lost.</p>}
      {lost.length > 0 && (
        <>
          <p>What was measured on it goes, too, and can’t be brought back:</p>
          <ul>
            {lost.map(t => (
              <li key={t.config}>
                {t.config}: {count(t.entries)} rows, version {t.version}
              </li>
            ))}
          </ul>
        </>
      )}
      {running.length > 0 && (
        <p>
          {running.length === 1 ? 'A profile that is under way is' : `${running.length} profiles under way are`}{' '}
          cancelled.
        </p>
      )}
    </ConfirmDialog>
  );
}
