// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Starts a profile. A link fills the form: see profileForm.ts. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation, useSearch } from 'wouter';
import { answer, api } from '../../api/client';
import { Problem } from '../../api/problem';
import { devicesQuery, profilesQuery, spacesQuery, tablesQuery } from '../../api/queries';
import type { Device, Space } from '../../api/types';
import { CommandLine } from '../../components/CommandLine';
import { Field, SelectField } from '../../components/Field';
import { count } from '../../components/format';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import type { FormErrors, ProfileForm } from './profileForm';
import { RUNTIMES, commandOf, configOf, formErrors, fromQuery, toProfile } from './profileForm';
import { MissingRows } from './MissingRows';
import './profiles.css';

interface Part {
  form: ProfileForm;
  errors: FormErrors;
  set: (values: Partial<ProfileForm>) => void;
}

/** One that this version measures on. */
function canMeasure(device: Device): boolean {
  return device.transport?.type === 'local' || device.transport?.type === 'ssh';
}

function DeviceChoice({ form, errors, set, devices }: Part & { devices: readonly Device[] }) {
  const device = devices.find(d => d.name === form.device);
  const help =
    device?.state === 'offline' ? 'It is offline: the profile waits until its agent is there.' : 'What is measured on.';
  return (
    <SelectField
      label="Device"
      value={form.device}
      onChange={v => set({ device: v })}
      error={errors.device}
      help={help}
    >
      {device === undefined && <option value="">Choose…</option>}
      {devices.map(d => (
        <option key={d.name} value={d.name}>
          {d.name}, {d.state}
        </option>
      ))}
    </SelectField>
  );
}

function ConfigChoice({ form, errors, set }: Part) {
  return (
    <fieldset className="plain-set">
      <legend>How networks run</legend>
      <div className="config-grid">
        <Field
          label="Runtime"
          list="runtimes"
          value={form.runtime}
          onChange={v => set({ runtime: v })}
          error={errors.runtime}
          spellCheck={false}
        />
        <datalist id="runtimes">
          {RUNTIMES.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <SelectField label="Numbers" value={form.dtype} onChange={v => set({ dtype: v === 'int8' ? 'int8' : 'f32' })}>
          <option value="f32">f32</option>
          <option value="int8">int8</option>
        </SelectField>
        <Field
          label="Threads"
          inputMode="numeric"
          value={form.threads}
          onChange={v => set({ threads: v })}
          error={errors.threads}
        />
        <Field
          label="Batch"
          inputMode="numeric"
          value={form.batch}
          onChange={v => set({ batch: v })}
          error={errors.batch}
        />
      </div>
      <p className="help">
        As a config: <code>{configOf(form)}</code>
      </p>
    </fieldset>
  );
}

function Resolutions({ form, errors, set, space }: Part & { space: Space | undefined }) {
  if (!space) return null;
  const toggle = (r: number, on: boolean) =>
    set({ resolutions: on ? [...form.resolutions, r] : form.resolutions.filter(x => x !== r) });
  return (
    <fieldset className="plain-set">
      <legend>Resolutions</legend>
      <div className="choices">
        {space.resolutions.map(r => (
          <label key={r}>
            <input type="checkbox" checked={form.resolutions.includes(r)} onChange={e => toggle(r, e.target.checked)} />
            {r}
          </label>
        ))}
        <button type="button" className="quiet" onClick={() => set({ resolutions: space.resolutions })}>
          All
        </button>
      </div>
      <p className="field-error" aria-live="polite">
        {errors.resolutions}
      </p>
      <p className="help">
        {count(space.rows_per_resolution)} rows each. Searches see subnets of resolutions that were measured.
      </p>
    </fieldset>
  );
}

function Effort({ form, errors, set }: Part) {
  return (
    <fieldset className="plain-set">
      <legend>How long</legend>
      <div className="field-grid">
        <Field
          label="Precision, ± %"
          inputMode="decimal"
          value={form.ci}
          onChange={v => set({ ci: v })}
          error={errors.ci}
          help="Goes on until half the 95% interval of every row is within it."
        />
        <Field
          label="Device time, minutes"
          inputMode="decimal"
          value={form.budget}
          onChange={v => set({ budget: v })}
          error={errors.budget}
          placeholder="as long as it takes"
          help="Stops then, whatever is missing."
        />
        <Field
          label="Held-out subnets"
          inputMode="numeric"
          value={form.heldOut}
          onChange={v => set({ heldOut: v })}
          error={errors.heldOut}
          help="They tell how far to trust the table."
        />
      </div>
      <label className="check">
        <input type="checkbox" checked={form.calibrate} onChange={e => set({ calibrate: e.target.checked })} />
        <span>Calibrate only: measure the held-out subnets alone, which brings an old table up to date in seconds</span>
      </label>
    </fieldset>
  );
}

/** The form with what only one choice fits filled in. */
function withDefaults(form: ProfileForm, devices: readonly Device[], spaces: readonly Space[]): ProfileForm {
  const device = form.device || (devices.find(d => d.state !== 'offline') ?? devices[0])?.name || '';
  const space = spaces.find(s => s.id === form.space) ?? spaces.find(s => s.id === 'ofa-mbv3-w1.2') ?? spaces[0];
  const known = form.resolutions.filter(r => space?.resolutions.includes(r));
  const resolutions = known.length > 0 ? known : (space?.resolutions.slice(0, 1) ?? []);
  return { ...form, device, space: space?.id ?? '', resolutions };
}

function ProfileFormView({ devices, spaces }: { devices: readonly Device[]; spaces: readonly Space[] }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const search = useSearch();
  const tables = useQuery(tablesQuery);
  const [form, setForm] = useState(() => withDefaults(fromQuery(new URLSearchParams(search)), devices, spaces));
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const errors = formErrors(form);
  const set = (values: Partial<ProfileForm>) => {
    setForm(old => ({ ...old, ...values }));
    setProblem(null);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const made = await answer(api.POST('/v1/profiles', { body: toProfile(form) }));
      void client.invalidateQueries({ queryKey: profilesQuery.queryKey });
      navigate(`/profiles/${made.id}`);
    } catch (e) {
      setProblem(e);
      setBusy(false);
    }
  };
  const space = spaces.find(s => s.id === form.space);
  const choose = (id: string) => {
    const next = spaces.find(s => s.id === id);
    set({ space: id, resolutions: next?.resolutions.slice(0, 1) ?? [] });
  };
  const part = { form, errors, set };
  const good = Object.keys(errors).length === 0;
  const table = tables.data?.find(t => t.device === form.device && t.config === configOf(form));
  return (
    <form className="card stack profile-form" noValidate onSubmit={e => void submit(e)}>
      <div className="field-row wrap">
        <DeviceChoice {...part} devices={devices} />
        <SelectField
          label="Space"
          value={form.space}
          onChange={choose}
          error={errors.space}
          help={space ? `${space.title}, ${count(space.rows_per_resolution)} rows a resolution` : undefined}
        >
          {spaces.map(s => (
            <option key={s.id}>{s.id}</option>
          ))}
        </SelectField>
      </div>
      <ConfigChoice {...part} />
      <Resolutions {...part} space={space} />
      <Effort {...part} />
      {good && !form.calibrate && space && <MissingRows form={form} space={space} table={table} />}
      {problem !== null && <ProblemNote error={problem} />}
      {problem instanceof Problem && problem.field && <p className="help">The field is {problem.field}.</p>}
      <div className="actions">
        <button type="submit" className="primary" disabled={busy || !good}>
          Start
        </button>
        <Link className="button" href="/profiles">
          Back
        </Link>
      </div>
      <details>
        <summary>The same in a shell</summary>
        <CommandLine text={commandOf(form)} what="the command" />
      </details>
    </form>
  );
}

export default function NewProfilePage() {
  const devices = useQuery(devicesQuery);
  const spaces = useQuery(spacesQuery);
  const failed = devices.error ?? spaces.error;
  const retry = () => {
    void devices.refetch();
    void spaces.refetch();
  };
  const measurable = devices.data?.filter(canMeasure);
  return (
    <>
      <PageHeader
        title="Start a profile"
        about="It measures every layer choice of a space inside whole networks, as far as the table lacks it."
      />
      {failed ? (
        <ProblemNote error={failed} retry={retry} />
      ) : !measurable || !spaces.data ? (
        <Loading what="devices and spaces" />
      ) : measurable.length === 0 ? (
        <Empty title="There is no device to measure on">
          <Link href="/devices">Register one</Link>
        </Empty>
      ) : (
        <ProfileFormView devices={measurable} spaces={spaces.data} />
      )}
    </>
  );
}
