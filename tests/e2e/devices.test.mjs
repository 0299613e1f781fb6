// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Devices on the page: the first visit, registering by hand and from what agents see, changing, removing. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scene } from './lib/scene.mjs';
import { addSmall, startProfile, waitForState } from './lib/small.mjs';

scene('a first visit leads from an agent’s token to a device', async ({ server, watched, page, agent }) => {
  await watched.visit('/devices');
  await page.getByRole('heading', { name: 'There is no device yet' }).waitFor();
  await watched.inspect('devices-first-visit');

  // The token that the page makes is one by which the command that it shows works.
  await page.getByLabel('The agent’s name').fill('bench');
  await page.getByRole('button', { name: 'Make its token' }).click();
  await page.getByText('It is shown this once').waitFor();
  const keep = await page.getByLabel('the line that keeps the token', { exact: true }).innerText();
  const token = keep.trim().split(' ')[2];
  await page.getByRole('button', { name: 'Copy the line that starts the agent' }).click();
  const run = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(run, `lathe-agent --server ${server.url} --name bench --token-file bench.token`);

  const config = join(server.folder, 'ssh_config');
  writeFileSync(config, 'Host pi4\n  User lab\nHost *.lab\n');
  await agent('bench', { token }, '--ssh-config', config);
  await page.getByText('bench is online').waitFor();

  await page.getByRole('button', { name: 'Register a device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: /^pi4 host/ }).waitFor();
  await watched.inspect('devices-register');
  await dialog.getByRole('button', { name: /^bench itself/ }).click();
  assert.equal(await dialog.getByLabel('Name').inputValue(), 'bench');
  await dialog.getByRole('button', { name: 'Register' }).click();
  await page.getByRole('table', { name: 'Devices' }).getByText('online').waitFor();
  await watched.inspect('devices');
  const [device] = (await server.ok('GET', '/v1/devices')).items;
  assert.deepEqual([device.name, device.agent, device.transport], ['bench', 'bench', { type: 'local' }]);
});

scene('what the server would refuse is said as one types', async ({ server, watched, page }) => {
  await server.ok('POST', '/v1/devices', { name: 'here', transport: { type: 'local' } });
  await watched.visit('/devices');
  await page.getByRole('button', { name: 'Register a device' }).click();
  const dialog = page.getByRole('dialog');
  const errors = dialog.locator('.field-error');
  await dialog.getByLabel('Name').fill('here');
  await errors.getByText('There is a device here already.').waitFor();
  await dialog.getByLabel('Name').fill('pi 4');
  await errors.getByText('Letters, digits').waitFor();
  await dialog.getByLabel('Name').fill('pi4');
  await dialog.getByRole('radio', { name: /^ssh/ }).check();
  await dialog.getByLabel('Destination').fill('-oProxyCommand=x');
  await errors.getByText('neither part starting with -').waitFor();
  await watched.inspect('devices-errors');
  // Wrong forms are not sent.
  await dialog.getByRole('button', { name: 'Register' }).click();
  assert.equal((await server.ok('GET', '/v1/devices')).items.length, 1);
  await dialog.getByLabel('Destination').fill('pi@10.0.0.7');
  await dialog.getByLabel('Port', { exact: true }).fill('2222');
  await dialog.getByText('Clock and processors').click();
  await dialog.getByLabel('Processors').fill('2-3');
  await dialog.getByRole('button', { name: 'Register' }).click();
  await page.getByText('ssh pi@10.0.0.7, port 2222').waitFor();
  assert.deepEqual((await server.ok('GET', '/v1/devices/pi4')).transport, {
    type: 'ssh',
    destination: 'pi@10.0.0.7',
    port: 2222,
    cpus: '2-3',
  });
});

scene('a name that another took in the meantime is told at its field', async ({ server, watched, page }) => {
  await server.ok('POST', '/v1/devices', { name: 'here', transport: { type: 'local' } });
  watched.allow(/status of 409/);
  await watched.visit('/devices');
  // As if the event of it were on its way still.
  await page.route('**/v1/events*', route => route.abort());
  await page.reload();
  watched.allow(/ERR_FAILED/);
  await page.getByRole('button', { name: 'Register a device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('there');
  await server.ok('POST', '/v1/devices', { name: 'there', transport: { type: 'local' } });
  await dialog.getByRole('button', { name: 'Register' }).click();
  await dialog.locator('.field-error').getByText('device there exists already').waitFor();
});

scene('a device is changed where it is shown', async ({ server, watched, page }) => {
  await server.ok('POST', '/v1/devices', {
    name: 'pi4',
    transport: { type: 'ssh', destination: 'pi@h' },
    agent: 'lab',
  });
  await watched.visit('/devices');
  await page.getByRole('button', { name: 'Change pi4' }).click();
  const dialog = page.getByRole('dialog');
  assert.equal(await dialog.getByLabel('Agent', { exact: true }).inputValue(), 'lab');
  await dialog.getByLabel('Destination').fill('pi@10.0.0.8');
  await dialog.getByLabel('Agent', { exact: true }).selectOption('');
  await page.keyboard.press('Enter');
  await page.getByText('ssh pi@10.0.0.8').waitFor();
  const device = await server.ok('GET', '/v1/devices/pi4');
  assert.deepEqual([device.agent, device.transport.destination], [null, 'pi@10.0.0.8']);
});

scene('a device whose work failed says why', async ({ server, watched, page, agent }) => {
  await addSmall(server);
  const runner = join(server.folder, 'runner');
  writeFileSync(runner, '#!/bin/sh\necho no floating point here >&2\nexit 3\n', { mode: 0o700 });
  await watched.visit('/devices');
  await agent('lab', '--runner', runner);
  await startProfile(server);
  await page.getByText(/Its last work failed: .*no floating point here/s).waitFor();
  await page.getByText('It failed again and again').waitFor();
  await watched.inspect('devices-trouble');
  await page.getByRole('button', { name: 'Let out here' }).click();
  await page.getByText('here gets work again').waitFor();
  await page.getByText('It failed again and again').waitFor({ state: 'detached' });
  assert.notEqual((await server.ok('GET', '/v1/devices/here')).state, 'quarantined');
});

scene('removing a device says what goes with it, and asks', async ({ server, watched, page, agent }) => {
  await addSmall(server);
  await agent('lab');
  await waitForState(server, await startProfile(server), 'done');
  await server.ok('POST', '/v1/devices', { name: 'bare', transport: { type: 'local' } });
  await watched.visit('/devices');
  await page.getByRole('button', { name: 'Remove here' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('xnnpack-f32-t1-b1: 23 rows, version 1').waitFor();
  await watched.inspect('devices-remove');
  await page.keyboard.press('Escape');
  assert.equal((await server.ok('GET', '/v1/devices')).items.length, 2);
  await page.getByRole('button', { name: 'Remove here' }).click();
  await dialog.getByRole('button', { name: 'Remove here and its tables' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove bare' }).click();
  await dialog.getByText('Nothing that was measured is lost').waitFor();
  await dialog.getByRole('button', { name: 'Remove bare' }).click();
  await page.getByRole('heading', { name: 'There is no device yet' }).waitFor();
  assert.equal((await server.ok('GET', '/v1/tables')).items.length, 0);
});

scene('an agent’s token sees devices and changes none', { role: 'agent' }, async ({ server, watched, page }) => {
  await server.ok('POST', '/v1/devices', { name: 'here', transport: { type: 'local' } });
  await watched.visit('/devices');
  await page.getByRole('table', { name: 'Devices' }).getByText('local').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Remove here' }).count(), 0);
});
