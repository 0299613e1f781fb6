// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { describe, expect, it, vi } from 'vitest';
import { applyChange, idOf } from './events';

const list = ['device', 'list'];

function holding(...devices: object[]) {
  const client = new QueryClient();
  client.setQueryData(list, devices);
  for (const device of devices) client.setQueryData(['device', 'one', (device as { name: string }).name], device);
  client.setQueryData(['device', 'of', 'pi4', 'condition'], {});
  return client;
}

const isStale = (client: QueryClient, key: unknown[]) => client.getQueryState(key)?.isInvalidated;

describe('an event', () => {
  it('puts a changed resource in its place, in the list and by itself, without asking again', () => {
    const client = holding({ name: 'local' }, { name: 'pi4', state: 'online' });
    applyChange(client, 'device', { action: 'changed', id: 'pi4', resource: { name: 'pi4', state: 'busy' } });
    expect(client.getQueryData(list)).toEqual([{ name: 'local' }, { name: 'pi4', state: 'busy' }]);
    expect(client.getQueryData(['device', 'one', 'pi4'])).toEqual({ name: 'pi4', state: 'busy' });
    expect(isStale(client, list)).toBe(false);
  });
  it('of a new resource has the list asked for anew, since only the server knows its place', () => {
    const client = holding({ name: 'local' });
    applyChange(client, 'device', { action: 'changed', id: 'a53', resource: { name: 'a53' } });
    expect(isStale(client, list)).toBe(true);
  });
  it('of a removed resource takes it away', () => {
    const client = holding({ name: 'local' }, { name: 'pi4' });
    applyChange(client, 'device', { action: 'removed', id: 'pi4', resource: null });
    expect(client.getQueryData(list)).toEqual([{ name: 'local' }]);
    expect(client.getQueryData(['device', 'one', 'pi4'])).toBeUndefined();
  });
  it('of a removed resource that no list has leaves lists as they are', () => {
    const client = holding({ name: 'local' });
    applyChange(client, 'device', { action: 'removed', id: 'pi4', resource: null });
    expect(client.getQueryData(list)).toEqual([{ name: 'local' }]);
  });
  it('has what was derived from the resource asked for anew, and nothing of others', () => {
    const client = holding({ name: 'local' }, { name: 'pi4' });
    applyChange(client, 'device', { action: 'changed', id: 'local', resource: { name: 'local' } });
    expect(isStale(client, ['device', 'of', 'pi4', 'condition'])).toBe(false);
    applyChange(client, 'device', { action: 'changed', id: 'pi4', resource: { name: 'pi4' } });
    expect(isStale(client, ['device', 'of', 'pi4', 'condition'])).toBe(true);
  });
  it('of a night’s measuring does not put it among the profiles', () => {
    const client = new QueryClient();
    const profiles = ['profile', 'list'];
    client.setQueryData(profiles, []);
    for (const mode of ['night', 'layers'])
      applyChange(client, 'profile', { action: 'changed', id: mode, resource: { id: mode, mode, state: 'running' } });
    expect(client.getQueryData(profiles)).toEqual([{ id: 'layers', mode: 'layers', state: 'running' }]);
  });
  it('of a job has what was derived from all that ended asked for anew, once it has ended itself', () => {
    const client = holding();
    const nights = ['run', 'ended', 'pi4/xnnpack-f32-t1-b1'];
    client.setQueryData(nights, []);
    applyChange(client, 'run', { action: 'changed', id: 'run-1', resource: { id: 'run-1', state: 'running' } });
    expect(isStale(client, nights)).toBe(false);
    applyChange(client, 'run', { action: 'changed', id: 'run-1', resource: { id: 'run-1', state: 'done' } });
    expect(isStale(client, nights)).toBe(true);
  });
  it('is newer than an answer that is on its way: that is asked for anew', async () => {
    const client = new QueryClient();
    const answers: ((device: object) => void)[] = [];
    const observer = new QueryObserver(client, {
      queryKey: ['device', 'one', 'pi4'],
      queryFn: () => new Promise<object>(resolve => answers.push(resolve)),
    });
    const stop = observer.subscribe(() => undefined);
    applyChange(client, 'device', { action: 'changed', id: 'pi4', resource: { name: 'pi4', state: 'busy' } });
    answers[0]?.({ name: 'pi4', state: 'online' });
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]?.({ name: 'pi4', state: 'busy' });
    await vi.waitFor(() =>
      expect(client.getQueryData(['device', 'one', 'pi4'])).toEqual({ name: 'pi4', state: 'busy' }),
    );
    stop();
  });
  it('of a new job puts it last, since those lists are oldest first', () => {
    const client = new QueryClient();
    client.setQueryData(['profile', 'list'], [{ id: 'p-1' }]);
    applyChange(client, 'profile', { action: 'changed', id: 'p-2', resource: { id: 'p-2' } });
    expect(client.getQueryData(['profile', 'list'])).toEqual([{ id: 'p-1' }, { id: 'p-2' }]);
    expect(isStale(client, ['profile', 'list'])).toBe(false);
  });
  it('of a resource that a list is not of leaves the list as it is', () => {
    const client = new QueryClient();
    const key = ['measurement', 'list', { device: 'pi4', config: 'a' }];
    client.setQueryData(key, []);
    const resource = { id: 'm-1', device: 'pi4', config: 'b' };
    applyChange(client, 'measurement', { action: 'changed', id: 'm-1', resource });
    expect(client.getQueryData(key)).toEqual([]);
    expect(isStale(client, key)).toBe(false);
    applyChange(client, 'measurement', { action: 'changed', id: 'm-1', resource: { ...resource, config: 'a' } });
    expect(client.getQueryData(key)).toEqual([{ id: 'm-1', device: 'pi4', config: 'a' }]);
  });
  it('during the answer to an earlier one has one more answer asked for, however many come', async () => {
    const client = new QueryClient();
    const key = ['table', 'of', 'pi4/a', 'trust'];
    const answers: ((value: number) => void)[] = [];
    const asked = new QueryObserver(client, {
      queryKey: key,
      queryFn: () => new Promise<number>(resolve => answers.push(resolve)),
    });
    const end = asked.subscribe(() => undefined);
    for (let i = 0; i < 3; i++)
      applyChange(client, 'table', { action: 'changed', id: 'pi4/a', resource: { device: 'pi4', config: 'a' } });
    expect(answers.length).toBe(1);
    answers[0]?.(1);
    await vi.waitFor(() => expect(answers.length).toBe(2));
    answers[1]?.(2);
    await vi.waitFor(() => expect(client.getQueryData(key)).toBe(2));
    expect(answers.length).toBe(2);
    end();
  });
  it('names a table by device and config', () => {
    expect(idOf('table', { device: 'pi4', config: 'xnnpack-f32-t1-b1' })).toBe('pi4/xnnpack-f32-t1-b1');
  });
});
