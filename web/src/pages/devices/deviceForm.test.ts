// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { describe, expect, it } from 'vitest';
import type { Agent, Device } from '../../api/types';
import type { DeviceForm } from './deviceForm';
import { EMPTY, fieldOf, findings, formErrors, freeName, fromDevice, toDevice } from './deviceForm';

const form = (changes: Partial<DeviceForm>): DeviceForm => ({ ...EMPTY, name: 'd', ...changes });
const errorsOf = (changes: Partial<DeviceForm>, taken: string[] = []) => Object.keys(formErrors(form(changes), taken));

function device(changes: Partial<Device>): Device {
  return {
    name: 'd',
    transport: { type: 'local' },
    agent: null,
    created: '2026-11-24T18:13:14.489Z',
    state: 'online',
    quarantined_until: null,
    last_seen: null,
    error: null,
    condition: null,
    board: null,
    ...changes,
  };
}

function agent(changes: Partial<Agent>): Agent {
  return { name: 'lab', online: true, last_seen: null, devices: [], sees: null, told: null, ...changes };
}

describe('a device form', () => {
  it('wants a name that the server takes and no other device has', () => {
    expect(errorsOf({})).toEqual([]);
    for (const name of ['', '-pi', '.pi', 'a b', 'pi/4', 'x'.repeat(65)]) expect(errorsOf({ name })).toEqual(['name']);
    expect(errorsOf({ name: 'x'.repeat(64) })).toEqual([]);
    expect(errorsOf({ name: 'pi4' }, ['pi4'])).toEqual(['name']);
  });
  it('wants a destination that ssh could not take for an option', () => {
    const ssh = (destination: string) => errorsOf({ kind: 'ssh', destination });
    for (const good of ['pi4', 'pi@10.0.0.7', 'lab-1@fe80::1']) expect(ssh(good)).toEqual([]);
    for (const bad of ['', '-oProxyCommand=x', 'pi@-host', 'a b', '@host', 'pi@', 'a;b', 'x'.repeat(256)])
      expect(ssh(bad)).toEqual(['destination']);
  });
  it('checks the fields of its kind only', () => {
    expect(errorsOf({ kind: 'local', destination: '-x', serialPort: 'x' })).toEqual([]);
    expect(errorsOf({ kind: 'serial', serialPort: 'COM 3', cpus: 'x' })).toEqual(['serialPort']);
  });
  it('knows ranges of numbers', () => {
    expect(errorsOf({ kind: 'ssh', destination: 'h', sshPort: '0' })).toEqual(['sshPort']);
    expect(errorsOf({ kind: 'ssh', destination: 'h', sshPort: '65535' })).toEqual([]);
    expect(errorsOf({ kind: 'serial', serialPort: '/dev/ttyS0', baud: '1199' })).toEqual(['baud']);
    expect(errorsOf({ khz: '1.5' })).toEqual(['khz']);
    expect(errorsOf({ coolBelow: '45.5' })).toEqual([]);
    expect(errorsOf({ coolBelow: '151' })).toEqual(['coolBelow']);
    for (const cpus of ['3-1', '0-', '1024', 'a', '0,,1']) expect(errorsOf({ cpus })).toEqual(['cpus']);
    expect(errorsOf({ cpus: '0-3,6' })).toEqual([]);
  });
  it('becomes what the API takes, and is filled from what the API gives', () => {
    const typed = form({
      kind: 'ssh',
      destination: 'pi@h',
      sshPort: '2222',
      agent: 'lab',
      cpus: '2-3',
      khz: '1800000',
    });
    const made = toDevice(typed);
    expect(JSON.parse(JSON.stringify(made))).toEqual({
      name: 'd',
      agent: 'lab',
      transport: { type: 'ssh', destination: 'pi@h', port: 2222, cpus: '2-3', khz: 1800000 },
    });
    expect(fromDevice(device({ agent: 'lab', transport: made.transport }))).toEqual(typed);
    expect(toDevice(form({})).agent).toBeNull();
  });
  it('keeps what a serial device has, and says nothing of what is usual', () => {
    const usb = 'usb:0483:374b:0669FF';
    const plain = { type: 'serial' as const, port: usb };
    const full = { ...plain, baud: 921600, flow: 'rtscts' as const, reset: 'dtr' as const, visit_s: 300 };
    for (const transport of [plain, full, { ...plain, protocol: 'mlperf-tiny' as const }]) {
      const filled = fromDevice(device({ agent: 'lab', transport }));
      expect(errorsOf(filled)).toEqual([]);
      expect(JSON.parse(JSON.stringify(toDevice(filled).transport))).toEqual(transport);
    }
    expect(errorsOf({ kind: 'serial', serialPort: 'usb:0483' })).toEqual(['serialPort']);
    expect(errorsOf({ kind: 'serial', serialPort: usb, visitS: '0' })).toEqual(['visitS']);
  });
  it('finds the field that a problem names', () => {
    expect(fieldOf('transport.cool_below_c')).toBe('coolBelow');
    expect(fieldOf('nowhere')).toBeNull();
  });
});

describe('what agents see', () => {
  const uno = { port: '/dev/ttyACM0', description: 'Uno', vid: '2341', pid: '0043', serial: null };
  const lab = agent({ sees: { serial: [uno], ssh: ['pi4'] } });
  it('fills the form', () => {
    expect(findings([lab], []).map(f => f.fill)).toEqual([
      { kind: 'local', agent: 'lab', name: 'lab' },
      { kind: 'ssh', agent: 'lab', name: 'pi4', destination: 'pi4' },
      { kind: 'serial', agent: 'lab', name: 'Uno', serialPort: '/dev/ttyACM0' },
    ]);
  });
  it('leaves out what is registered, for this agent or for any', () => {
    const known = [
      device({ name: 'a' }),
      device({ name: 'b', transport: { type: 'ssh', destination: 'pi@pi4' }, agent: 'lab' }),
      device({ name: 'c', transport: { type: 'serial', port: uno.port }, agent: 'other' }),
    ];
    expect(findings([lab], known).map(f => f.title)).toEqual(['Uno']);
  });
  it('gets a name that is free and allowed', () => {
    expect(freeName('Nano 33 BLE', [])).toBe('Nano-33-BLE');
    expect(freeName('pi4', ['pi4', 'pi4-2'])).toBe('pi4-3');
    expect(freeName('-..-', [])).toBe('device');
  });
});
