// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Registers a device, or changes how one is reached. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { Problem } from '../../api/problem';
import { agentsQuery, devicesQuery } from '../../api/queries';
import type { Agent, Device } from '../../api/types';
import { Dialog } from '../../components/Dialog';
import { Field, SelectField } from '../../components/Field';
import { ProblemNote } from '../../components/Notes';
import { toast } from '../../components/Toasts';
import type { DeviceForm, FormErrors, Kind } from './deviceForm';
import { EMPTY, fieldOf, findings, formErrors, fromDevice, toDevice } from './deviceForm';

const kinds: { kind: Kind; title: string; about: string }[] = [
  { kind: 'local', title: 'Local', about: 'the machine that an agent runs on' },
  { kind: 'ssh', title: 'ssh', about: 'a phone, board or machine that an agent reaches by ssh' },
  { kind: 'serial', title: 'Serial', about: 'a microcontroller at a port of an agent’s machine' },
];

interface Part {
  form: DeviceForm;
  errors: FormErrors;
  set: (field: keyof DeviceForm, value: string) => void;
}

function KindChoice({ form, set }: Part) {
  return (
    <fieldset className="kinds">
      <legend>Reached</legend>
      {kinds.map(({ kind, title, about }) => (
        <label key={kind}>
          <input type="radio" name="kind" checked={form.kind === kind} onChange={() => set('kind', kind)} />
          <span>
            {title} <span className="dim">{about}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function SshFields({ form, errors, set }: Part) {
  return (
    <div className="field-row">
      <Field
        label="Destination"
        value={form.destination}
        onChange={v => set('destination', v)}
        error={errors.destination}
        placeholder="pi@10.0.0.7"
        help="[USER@]HOST, or a host of the agent’s ~/.ssh/config."
        spellCheck={false}
        autoCapitalize="none"
      />
      <Field
        label="Port"
        className="short"
        inputMode="numeric"
        value={form.sshPort}
        onChange={v => set('sshPort', v)}
        error={errors.sshPort}
        placeholder="22"
      />
    </div>
  );
}

function SerialFields({ form, errors, set }: Part) {
  return (
    <>
      <div className="field-row">
        <Field
          label="Port"
          value={form.serialPort}
          onChange={v => set('serialPort', v)}
          error={errors.serialPort}
          placeholder="/dev/ttyACM0"
          help="Its path on the agent’s machine, or what is plugged in there: usb:VID:PID[:SERIAL]."
          spellCheck={false}
        />
        <Field
          label="Baud"
          className="short"
          inputMode="numeric"
          value={form.baud}
          onChange={v => set('baud', v)}
          error={errors.baud}
          placeholder="115200"
        />
      </div>
      <div className="field-grid">
        <SelectField
          label="Protocol"
          value={form.protocol}
          onChange={v => set('protocol', v)}
          help="What its firmware speaks."
        >
          <option value="lathe">Lathe’s firmware</option>
          <option value="mlperf-tiny">MLPerf Tiny</option>
        </SelectField>
        <SelectField label="Flow control" value={form.flow} onChange={v => set('flow', v)}>
          <option value="none">none</option>
          <option value="rtscts">RTS/CTS</option>
          <option value="xonxoff">XON/XOFF</option>
        </SelectField>
        <SelectField
          label="Reset line"
          value={form.reset}
          onChange={v => set('reset', v)}
          help="Pulsed when the port is opened."
        >
          <option value="none">none</option>
          <option value="dtr">DTR</option>
          <option value="rts">RTS</option>
        </SelectField>
        <Field
          label="Longest visit, s"
          inputMode="numeric"
          value={form.visitS}
          onChange={v => set('visitS', v)}
          error={errors.visitS}
          placeholder="60 and 1 a run"
          help="After that the board counts as hanging."
        />
      </div>
    </>
  );
}

/** How the device is to be while it measures. */
function ConditionFields({ form, errors, set }: Part) {
  const used = [form.cpus, form.governor, form.khz, form.coolBelow].some(text => text !== '');
  return (
    <details open={used || undefined}>
      <summary>Clock and processors while measuring</summary>
      <div className="field-grid">
        <Field
          label="Processors"
          value={form.cpus}
          onChange={v => set('cpus', v)}
          error={errors.cpus}
          placeholder="all"
          help="Bind to these, such as 2-3."
        />
        <Field
          label="Governor"
          value={form.governor}
          onChange={v => set('governor', v)}
          error={errors.governor}
          placeholder="as it is"
          help="Such as performance."
        />
        <Field
          label="Clock, kHz"
          inputMode="numeric"
          value={form.khz}
          onChange={v => set('khz', v)}
          error={errors.khz}
          placeholder="as it is"
          help="Where the system allows it."
        />
        <Field
          label="Cooler than, °C"
          inputMode="decimal"
          value={form.coolBelow}
          onChange={v => set('coolBelow', v)}
          error={errors.coolBelow}
          placeholder="any"
          help="Waits, five minutes at most."
        />
      </div>
    </details>
  );
}

function AgentChoice({ form, set, agents }: Part & { agents: readonly Agent[] }) {
  const names = agents.map(a => a.name);
  if (form.agent !== '' && !names.includes(form.agent)) names.push(form.agent);
  return (
    <SelectField label="Agent" value={form.agent} onChange={v => set('agent', v)} help="Who may serve it.">
      <option value="">Any</option>
      {names.map(name => (
        <option key={name}>{name}</option>
      ))}
    </SelectField>
  );
}

/** What agents found: a click fills the form. */
function Findings(props: {
  agents: readonly Agent[];
  devices: readonly Device[];
  fill: (f: Partial<DeviceForm>) => void;
}) {
  const found = findings(props.agents, props.devices);
  if (found.length === 0) return null;
  return (
    <section className="findings" aria-label="In reach of agents">
      <h3>In reach of agents</h3>
      <ul>
        {found.map(f => (
          <li key={`${f.agent} ${f.title} ${f.detail}`}>
            <button type="button" onClick={() => props.fill(f.fill)}>
              <span>{f.title}</span>
              <span className="dim">
                {f.detail}, by {f.agent}
                {!f.online && ', which is offline'}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function save(form: DeviceForm, old: Device | undefined): Promise<Device> {
  const { name, ...rest } = toDevice(form);
  if (!old) return answer(api.POST('/v1/devices', { body: { name, ...rest } }));
  return answer(api.PATCH('/v1/devices/{device}', { params: { path: { device: name } }, body: rest }));
}

/** @param device what is changed; absent: a new one. @param start what a new one's form begins with. */
export function DeviceDialog(props: { device?: Device; start?: Partial<DeviceForm>; onClose: () => void }) {
  const client = useQueryClient();
  const agents = useQuery(agentsQuery);
  const devices = useQuery(devicesQuery);
  const [form, setForm] = useState<DeviceForm>(() => ({
    ...(props.device ? fromDevice(props.device) : EMPTY),
    ...props.start,
  }));
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const taken = props.device ? [] : (devices.data ?? []).map(d => d.name);
  const wrong = formErrors(form, taken);
  const refused = problem instanceof Problem ? fieldOf(problem.field) : null;
  // A field that nobody has typed into yet is not called wrong.
  const shown: FormErrors = Object.fromEntries(Object.entries(wrong).filter(([field]) => touched.has(field)));
  if (refused !== null && problem instanceof Problem) shown[refused] ??= problem.message;

  const set = (field: keyof DeviceForm, value: string) => {
    setForm(old => ({ ...old, [field]: value }));
    setTouched(old => new Set(old).add(field));
    setProblem(null);
  };
  const fill = (values: Partial<DeviceForm>) => {
    setForm({ ...EMPTY, ...values });
    setTouched(new Set(Object.keys(values)));
    setProblem(null);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTouched(new Set(Object.keys(form)));
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    try {
      const saved = await save(form, props.device);
      await client.invalidateQueries({ queryKey: devicesQuery.queryKey });
      toast(props.device ? `Changed ${saved.name}` : `Registered ${saved.name}`);
      props.onClose();
    } catch (e) {
      setProblem(e);
      setBusy(false);
    }
  };
  const part = { form, errors: shown, set };
  return (
    <Dialog title={props.device ? `Change ${props.device.name}` : 'Register a device'} onClose={props.onClose}>
      <form className="stack device-form" noValidate onSubmit={e => void submit(e)}>
        {!props.device && <Findings agents={agents.data ?? []} devices={devices.data ?? []} fill={fill} />}
        <KindChoice {...part} />
        <div className="field-row">
          {!props.device && (
            <Field
              label="Name"
              value={form.name}
              onChange={v => set('name', v)}
              error={shown.name}
              placeholder="pi4"
              help="In tables, commands and paths; it can’t be changed."
              spellCheck={false}
              autoCapitalize="none"
            />
          )}
          <AgentChoice {...part} agents={agents.data ?? []} />
        </div>
        {form.kind === 'ssh' && <SshFields {...part} />}
        {form.kind === 'serial' && <SerialFields {...part} />}
        {form.kind !== 'serial' && <ConditionFields {...part} />}
        {problem !== null && refused === null && <ProblemNote error={problem} />}
        <div className="actions">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={busy}>
            {props.device ? 'Save' : 'Register'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
