// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useId, useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { devicesQuery, tablesQuery } from '../../api/queries';
import { Dialog } from '../../components/Dialog';
import { Field } from '../../components/Field';
import { count } from '../../components/format';
import { Progress } from '../../components/Progress';
import { problemText } from '../../components/Notes';
import { tableAddress } from './address';
import type { Imported } from './importing';
import { importFile, targetOf } from './importing';

/* The server's rule for names. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const RULE = '1 to 64 letters, digits, dots, underscores and dashes, not starting with a dot or dash.';

type Outcome =
  | { state: 'waiting' }
  | { state: 'sending' }
  | { state: 'done'; imported: Imported }
  | { state: 'failed'; error: unknown };

const WAITING: Outcome = { state: 'waiting' };

function outcomeText(outcome: Outcome): string {
  if (outcome.state === 'waiting') return '';
  if (outcome.state === 'sending') return 'importing…';
  if (outcome.state === 'failed') return problemText(outcome.error);
  const { rows, added, replaced, version } = outcome.imported;
  return `${count(rows)} rows into version ${version}: ${count(added)} new, ${count(replaced)} replaced`;
}

/** Asks where files go, sends them one after the other, and says what became of each.
 *  @param files what was dropped; more can be chosen. */
export function ImportDialog(props: { files: File[]; onClose: () => void }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const devices = useQuery(devicesQuery);
  const tables = useQuery(tablesQuery);
  const [files, setFiles] = useState(props.files);
  const suggested = files.map(f => targetOf(f.name)).find(t => t !== null);
  const [device, setDevice] = useState(suggested?.device ?? '');
  const [config, setConfig] = useState(suggested?.config ?? '');
  const [outcomes, setOutcomes] = useState<Outcome[] | null>(null);
  const id = useId();
  const busy = outcomes?.some(o => o.state === 'waiting' || o.state === 'sending') ?? false;
  const finished = outcomes?.filter(o => o.state === 'done' || o.state === 'failed').length ?? 0;
  const done = outcomes !== null && !busy;
  const failed = outcomes?.some(o => o.state === 'failed') ?? false;

  const run = async () => {
    const now: Outcome[] = files.map(() => ({ state: 'waiting' }));
    const set = (i: number, outcome: Outcome) => {
      now[i] = outcome;
      setOutcomes([...now]);
    };
    for (const [i, file] of files.entries()) {
      set(i, { state: 'sending' });
      try {
        set(i, { state: 'done', imported: await importFile(device, config, file) });
      } catch (error) {
        set(i, { state: 'failed', error });
      }
    }
    await client.invalidateQueries({ queryKey: tablesQuery.queryKey });
    // Files that were refused stay, to be sent once more.
    if (now.some(o => o.state === 'failed')) return;
    go(tableAddress({ device, config, version: null }));
    props.onClose();
  };
  const problemOf = (name: string) => (name !== '' && !NAME.test(name) ? RULE : null);
  const ready = files.length > 0 && NAME.test(device) && NAME.test(config) && !busy;
  const configs = [...new Set((tables.data ?? []).filter(t => t.device === device).map(t => t.config))];
  return (
    <Dialog title="Import a table" onClose={props.onClose}>
      <form
        className="stack"
        onSubmit={e => {
          e.preventDefault();
          if (ready) void run();
        }}
      >
        <div className="field">
          <label htmlFor={`${id}-files`}>Files</label>
          <input
            id={`${id}-files`}
            type="file"
            multiple
            accept=".yaml,.yml,.json,.csv"
            disabled={busy}
            onChange={e => {
              setFiles([...(e.target.files ?? [])]);
              setOutcomes(null);
            }}
          />
          <p className="help">OFA YAML (one or more, one for each resolution), OFA JSON, or CSV as exported here.</p>
        </div>
        {files.length > 0 && (
          <ul className="import-files" aria-live="polite">
            {files.map((file, i) => {
              const outcome = outcomes?.[i] ?? WAITING;
              return (
                <li key={file.name} data-state={outcome.state}>
                  <b>{file.name}</b> <span>{outcomeText(outcome)}</span>
                </li>
              );
            })}
          </ul>
        )}
        <Field
          label="Device"
          list={`${id}-devices`}
          value={device}
          required
          disabled={busy}
          onChange={setDevice}
          help="One that does not exist yet is made, without a transport."
          error={problemOf(device)}
        />
        <datalist id={`${id}-devices`}>
          {devices.data?.map(d => (
            <option key={d.name} value={d.name} />
          ))}
        </datalist>
        <Field
          label="Config"
          list={`${id}-configs`}
          value={config}
          required
          disabled={busy}
          onChange={setConfig}
          placeholder="tflite-f32-t1-b1"
          help="Runtime, number type, threads, batch: tflite-f32-t1-b1. Any runtime may be named."
          error={problemOf(config)}
        />
        <datalist id={`${id}-configs`}>
          {configs.map(c => (
            <option key={c} value={c} />
          ))}
        </datalist>
        {busy && <Progress label="Files imported" share={finished / files.length} />}
        <div className="actions">
          <button type="button" onClick={props.onClose}>
            {done ? 'Close' : 'Cancel'}
          </button>
          <button type="submit" className="primary" disabled={!ready}>
            {failed && done ? 'Try again' : files.length > 1 ? `Import ${files.length} files` : 'Import'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
