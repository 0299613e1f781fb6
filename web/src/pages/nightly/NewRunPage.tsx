// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Starts a run by hand; as a rule CI does. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation } from 'wouter';
import { answer, api } from '../../api/client';
import { devicesQuery, profilesQuery, spacesQuery, tablesQuery } from '../../api/queries';
import type { Device, Profile, Run, Space, TableSummary } from '../../api/types';
import { CommandLine } from '../../components/CommandLine';
import { Field, SelectField } from '../../components/Field';
import { dateTime } from '../../components/format';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import { runsQuery } from './queries';
import type { FormErrors, RunForm } from './runForm';
import { commandOf, formErrors, splitConfigs, startForm, toRun } from './runForm';
import './nightly.css';

interface Part {
  form: RunForm;
  errors: FormErrors;
  set: (values: Partial<RunForm>) => void;
}

function Devices({ form, errors, set, devices }: Part & { devices: readonly Device[] }) {
  const toggle = (name: string, on: boolean) =>
    set({ left: on ? form.left.filter(d => d !== name) : [...form.left, name] });
  return (
    <fieldset className="plain-set">
      <legend>Devices</legend>
      <div className="choices">
        {devices.map(d => (
          <label key={d.name}>
            <input
              type="checkbox"
              checked={!form.left.includes(d.name)}
              onChange={e => toggle(d.name, e.target.checked)}
            />
            {d.name}
            {d.state === 'offline' && <span className="dim"> (offline)</span>}
          </label>
        ))}
      </div>
      <p className="field-error" aria-live="polite">
        {errors.left}
      </p>
      <p className="help">One that does not answer is told in the end; the others are measured all the same.</p>
    </fieldset>
  );
}

function Resolutions({ form, set, space }: Part & { space: Space | undefined }) {
  if (!space) return null;
  const isIn = (r: number) => form.resolutions.length === 0 || form.resolutions.includes(r);
  const toggle = (r: number, on: boolean) => {
    const now = space.resolutions.filter(x => (x === r ? on : isIn(x)));
    set({ resolutions: now.length === space.resolutions.length ? [] : now });
  };
  return (
    <fieldset className="plain-set">
      <legend>Resolutions</legend>
      <div className="choices">
        {space.resolutions.map(r => (
          <label key={r}>
            <input type="checkbox" checked={isIn(r)} onChange={e => toggle(r, e.target.checked)} />
            {r}
          </label>
        ))}
      </div>
      <p className="help">Runs are compared with runs of the same space and resolutions.</p>
    </fieldset>
  );
}

/** @param runs newest first. */
function Baseline({ form, set, runs }: Part & { runs: readonly Run[] }) {
  const ended = runs.filter(r => r.state === 'done' && r.space === form.space);
  return (
    <SelectField
      label="Compared with"
      value={form.baseline}
      onChange={v => set({ baseline: v })}
      help="A level is accepted on a run’s page. The first run of a table is accepted by itself."
    >
      <option value="">the level accepted last</option>
      {ended.map(r => (
        <option key={r.id} value={r.id}>
          {`the run of ${dateTime(Date.parse(r.created)).slice(0, 16)}${r.label === null ? '' : `, ${r.label}`}`}
        </option>
      ))}
    </SelectField>
  );
}

function Rest({
  form,
  errors,
  set,
  runs,
  configText,
  setConfigText,
}: Part & {
  runs: readonly Run[];
  configText: string;
  setConfigText: (text: string) => void;
}) {
  return (
    <>
      <Field
        label="Configs"
        value={configText}
        spellCheck={false}
        onChange={text => {
          setConfigText(text);
          set({ configs: splitConfigs(text) });
        }}
        error={errors.configs}
        help="How networks run; several with commas. A device that has no table with one gets it first."
      />
      <Baseline form={form} errors={errors} set={set} runs={runs} />
      <div className="field-grid">
        <Field
          label="Device time, minutes"
          inputMode="decimal"
          value={form.budget}
          placeholder="as long as it takes"
          onChange={v => set({ budget: v })}
          error={errors.budget}
          help="Of each device. What matters most is measured first."
        />
        <Field
          label="Least effect, %"
          inputMode="decimal"
          value={form.minEffect}
          onChange={v => set({ minEffect: v })}
          error={errors.minEffect}
          help="Smaller changes are not told."
        />
        <Field
          label="Label"
          value={form.label}
          onChange={v => set({ label: v })}
          error={errors.label}
          help="What is tried, such as a commit."
        />
      </div>
    </>
  );
}

interface Stock {
  devices: Device[];
  spaces: Space[];
  tables: TableSummary[];
  profiles: Profile[];
  runs: Run[];
}

function RunFormView({ devices, spaces, tables, profiles, runs }: Stock) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const names = devices.map(d => d.name);
  const ids = spaces.map(s => s.id);
  const [form, setForm] = useState(() => startForm({ runs, profiles, tables, spaces: ids }));
  const [configText, setConfigText] = useState(form.configs.join(', '));
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const errors = formErrors(form, names);
  const set = (values: Partial<RunForm>) => {
    setForm(old => ({ ...old, ...values }));
    setProblem(null);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const made = await answer(api.POST('/v1/runs', { body: toRun(form, names) }));
      void client.invalidateQueries({ queryKey: runsQuery().queryKey.slice(0, 2) });
      navigate(`/nightly/${made.id}`);
    } catch (e) {
      setProblem(e);
      setBusy(false);
    }
  };
  const part = { form, errors, set };
  const good = Object.keys(errors).length === 0;
  return (
    <form className="card stack run-form" noValidate onSubmit={e => void submit(e)}>
      <Devices {...part} devices={devices} />
      <SelectField
        label="Space"
        value={form.space}
        onChange={v => set({ space: v, resolutions: [], baseline: '' })}
        error={errors.space}
        help="Whose layers are measured."
      >
        {ids.map(id => (
          <option key={id}>{id}</option>
        ))}
      </SelectField>
      <Resolutions {...part} space={spaces.find(s => s.id === form.space)} />
      <Rest {...part} runs={runs} configText={configText} setConfigText={setConfigText} />
      {problem !== null && <ProblemNote error={problem} />}
      <div className="actions">
        <button type="submit" className="primary" disabled={busy || !good}>
          Start
        </button>
        <Link className="button" href="/nightly">
          Back
        </Link>
      </div>
      <details>
        <summary>The same in a shell</summary>
        <CommandLine text={commandOf(form, names)} what="the command" />
      </details>
    </form>
  );
}

export default function NewRunPage() {
  const devices = useQuery(devicesQuery);
  const spaces = useQuery(spacesQuery);
  const tables = useQuery(tablesQuery);
  const profiles = useQuery(profilesQuery);
  const runs = useQuery(runsQuery());
  const all = [devices, spaces, tables, profiles, runs];
  const failed = all.find(q => q.error)?.error;
  const measurable = devices.data?.filter(d => d.transport);
  return (
    <>
      <PageHeader
        title="Start a run"
        about="It measures again what tables rest on, compares, and measures what looks changed once more."
      />
      {failed ? (
        <ProblemNote error={failed} retry={() => void Promise.all(all.map(q => q.refetch()))} />
      ) : !measurable || !spaces.data || !tables.data || !profiles.data || !runs.data ? (
        <Loading what="devices and spaces" />
      ) : measurable.length === 0 ? (
        <Empty title="There is no device to measure on">
          <Link href="/devices">Register one</Link>
        </Empty>
      ) : (
        <RunFormView
          devices={measurable}
          spaces={spaces.data}
          tables={tables.data}
          profiles={profiles.data}
          runs={runs.data}
        />
      )}
    </>
  );
}
