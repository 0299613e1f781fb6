// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The form of a device: text as it is typed, checked by the server's own rules, and made into what the API takes. */
import type { Body } from '../../api/types';
import type { Agent, Device } from '../../api/types';
import { nameError } from '../../components/names';

export type Kind = 'local' | 'ssh' | 'serial';
export type NewDevice = Body<'/v1/devices', 'post'>;

/** All as typed; '' where nothing is. */
export interface DeviceForm {
  kind: Kind;
  name: string;
  /** '': any. */
  agent: string;
  destination: string;
  sshPort: string;
  serialPort: string;
  baud: string;
  flow: string;
  reset: string;
  protocol: string;
  visitS: string;
  cpus: string;
  governor: string;
  khz: string;
  coolBelow: string;
}

export type FormErrors = Partial<Record<keyof DeviceForm, string>>;

export const EMPTY: DeviceForm = {
  kind: 'local',
  name: '',
  agent: '',
  destination: '',
  sshPort: '',
  serialPort: '',
  baud: '',
  flow: 'none',
  reset: 'none',
  protocol: 'lathe',
  visitS: '',
  cpus: '',
  governor: '',
  khz: '',
  coolBelow: '',
};

const CPUS_MOST = 1024;

const DESTINATION = /^([A-Za-z0-9._:][A-Za-z0-9._:-]*@)?[A-Za-z0-9._:][A-Za-z0-9._:-]*$/;

function wholeError(text: string, least: number, most: number): string | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= least && value <= most) return undefined;
  return `A whole number from ${least} to ${most}.`;
}

function cpusError(text: string): string | undefined {
  if (text === '') return undefined;
  const good = text.split(',').every(part => {
    const range = /^([0-9]+)(?:-([0-9]+))?$/.exec(part);
    if (!range) return false;
    const first = Number(range[1]);
    const last = Number(range[2] ?? range[1]);
    return first <= last && last < CPUS_MOST;
  });
  return good ? undefined : `A list such as 0-3,6, of numbers below ${CPUS_MOST}.`;
}

function destinationError(text: string): string | undefined {
  if (text === '') return 'Where ssh is to connect to.';
  // The server counts bytes; what may stand there is ASCII.
  if (text.length > 255) return 'At most 255 characters.';
  return DESTINATION.test(text)
    ? undefined
    : '[USER@]HOST of letters, digits and . _ : -, neither part starting with -.';
}

function serialPortError(text: string): string | undefined {
  if (text === '') return 'The path of the port on the agent’s machine.';
  const bytes = new TextEncoder().encode(text);
  const named = text.startsWith('/') || /^usb:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}(:.+)?$/.test(text);
  const good = named && bytes.length <= 255 && bytes.every(b => b >= 0x21 && b !== 0x7f);
  return good ? undefined : 'A path without spaces, such as /dev/ttyACM0, or usb:VID:PID[:SERIAL].';
}

function conditionErrors(form: DeviceForm): FormErrors {
  const cool = Number(form.coolBelow);
  return {
    cpus: cpusError(form.cpus),
    governor: form.governor === '' || /^[a-z_]{1,31}$/.test(form.governor) ? undefined : 'A name such as performance.',
    khz: wholeError(form.khz, 1, 4294967295),
    coolBelow:
      form.coolBelow === '' || (/^[0-9]+(\.[0-9]+)?$/.test(form.coolBelow) && cool >= 1 && cool <= 150)
        ? undefined
        : 'Degrees Celsius, from 1 to 150.',
  };
}

/** What the server would refuse, by field; fields that the kind does not have are not looked at.
 *  @param taken names of other devices. */
export function formErrors(form: DeviceForm, taken: readonly string[]): FormErrors {
  const errors: FormErrors = {
    name: nameError(form.name, 'device', taken),
    ...(form.kind === 'ssh' && {
      destination: destinationError(form.destination),
      sshPort: wholeError(form.sshPort, 1, 65535),
    }),
    ...(form.kind === 'serial' && {
      serialPort: serialPortError(form.serialPort),
      baud: wholeError(form.baud, 1200, 12000000),
      visitS: wholeError(form.visitS, 1, 3600),
    }),
    ...(form.kind !== 'serial' && conditionErrors(form)),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, text]) => text !== undefined));
}

const numberOf = (text: string) => (text === '' ? undefined : Number(text));
const textOf = (text: string) => (text === '' ? undefined : text);

/** The first of the choices is the server's own: it goes without saying. */
function choiceOf<const T extends readonly string[]>(text: string, choices: T): T[number] | undefined {
  return choices.slice(1).find(c => c === text);
}

function toSerial(form: DeviceForm): NewDevice['transport'] {
  return {
    type: 'serial',
    port: form.serialPort,
    baud: numberOf(form.baud),
    flow: choiceOf(form.flow, ['none', 'rtscts', 'xonxoff']),
    reset: choiceOf(form.reset, ['none', 'dtr', 'rts']),
    protocol: choiceOf(form.protocol, ['lathe', 'mlperf-tiny']),
    visit_s: numberOf(form.visitS),
  };
}

/** @param form without errors. */
export function toDevice(form: DeviceForm): NewDevice {
  const conditions = {
    cpus: textOf(form.cpus),
    governor: textOf(form.governor),
    khz: numberOf(form.khz),
    cool_below_c: numberOf(form.coolBelow),
  };
  const transport: NewDevice['transport'] =
    form.kind === 'local'
      ? { type: 'local', ...conditions }
      : form.kind === 'ssh'
        ? { type: 'ssh', destination: form.destination, port: numberOf(form.sshPort), ...conditions }
        : toSerial(form);
  return { name: form.name, agent: form.agent === '' ? null : form.agent, transport };
}

const shown = (value: string | number | null | undefined) => (value == null ? '' : String(value));

export function fromDevice(device: Device): DeviceForm {
  const t = device.transport;
  const form = { ...EMPTY, name: device.name, agent: device.agent ?? '' };
  if (t === null) return form;
  if (t.type === 'serial')
    return {
      ...form,
      kind: 'serial',
      serialPort: t.port,
      baud: shown(t.baud),
      flow: t.flow ?? 'none',
      reset: t.reset ?? 'none',
      protocol: t.protocol ?? 'lathe',
      visitS: shown(t.visit_s),
    };
  const conditions = {
    cpus: shown(t.cpus),
    governor: shown(t.governor),
    khz: shown(t.khz),
    coolBelow: shown(t.cool_below_c),
  };
  if (t.type === 'local') return { ...form, ...conditions, kind: 'local' };
  return { ...form, ...conditions, kind: 'ssh', destination: t.destination, sshPort: shown(t.port) };
}

/** The field that a problem's path means: "transport.destination". */
export function fieldOf(path: string | null): keyof DeviceForm | null {
  const name = path?.split('.').at(-1) ?? '';
  const fields: Record<string, keyof DeviceForm> = {
    name: 'name',
    agent: 'agent',
    destination: 'destination',
    baud: 'baud',
    flow: 'flow',
    reset: 'reset',
    protocol: 'protocol',
    visit_s: 'visitS',
    cpus: 'cpus',
    governor: 'governor',
    khz: 'khz',
    cool_below_c: 'coolBelow',
  };
  return fields[name] ?? null;
}

/** Something in an agent's reach that could be registered. */
export interface Finding {
  title: string;
  detail: string;
  agent: string;
  online: boolean;
  fill: Partial<DeviceForm> & { kind: Kind };
}

/** A name that no device has, made of a text. */
export function freeName(text: string, taken: readonly string[]): string {
  const base =
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[.-]+|[.-]+$/g, '')
      .slice(0, 60) || 'device';
  if (!taken.includes(base)) return base;
  for (let n = 2; ; n++) if (!taken.includes(`${base}-${n}`)) return `${base}-${n}`;
}

/** What agents have in reach and no device stands for yet. */
export function findings(agents: readonly Agent[], devices: readonly Device[]): Finding[] {
  const taken = devices.map(d => d.name);
  const serves = (device: Device, agent: string) => device.agent === null || device.agent === agent;
  return agents.flatMap(({ name: agent, online, sees }) => {
    const mine = devices.filter(d => serves(d, agent));
    const found: Finding[] = [];
    const add = (title: string, detail: string, suggestion: string, fill: Finding['fill']) =>
      found.push({ title, detail, agent, online, fill: { ...fill, agent, name: freeName(suggestion, taken) } });
    if (!mine.some(d => d.transport?.type === 'local'))
      add(`${agent} itself`, 'the machine that the agent runs on', agent, { kind: 'local' });
    for (const host of sees?.ssh ?? [])
      if (!mine.some(d => d.transport?.type === 'ssh' && d.transport.destination.split('@').at(-1) === host))
        add(host, 'host of its ssh configuration', host, { kind: 'ssh', destination: host });
    for (const port of sees?.serial ?? [])
      if (!mine.some(d => d.transport?.type === 'serial' && d.transport.port === port.port))
        add(port.description ?? port.port, portDetail(port), port.description ?? port.port.split('/').at(-1) ?? '', {
          kind: 'serial',
          serialPort: port.port,
        });
    return found;
  });
}

type Port = NonNullable<Agent['sees']>['serial'][number];

function portDetail(port: Port): string {
  const usb = port.vid !== null && port.pid !== null ? `USB ${port.vid}:${port.pid}` : null;
  return [port.description === null ? 'serial port' : port.port, usb, port.serial].filter(Boolean).join(', ');
}
