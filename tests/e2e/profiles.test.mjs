// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Profiles on the page: started, watched while they run, cancelled, gone on with, failed. */
import assert from 'node:assert/strict';
import { waitFor } from './lib/processes.mjs';
import { scene } from './lib/scene.mjs';
import { CONFIG, addSmall, startProfile, waitForState } from './lib/small.mjs';

/** Long enough to be met while it runs. */
const LONG = { rounds: 400, runs: 3, ci: 0 };

scene('a profile is started on the page, and its end shows what it came to', async s => {
  const { server, watched, page, agent } = s;
  await addSmall(server);
  await watched.visit('/profiles');
  await page.getByText('Nothing has been profiled yet').waitFor();
  await watched.inspect('profiles-empty');
  await page.getByRole('link', { name: 'Start a profile' }).click();
  await page.getByLabel('Space').selectOption('small');
  await page.getByText('A new table, of up to 23 rows.').waitFor();
  await watched.inspect('profiles-new');
  await page.getByLabel('Threads').fill('0');
  await page.getByText('A whole number from 1 to 99.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Start', exact: true }).isDisabled());
  await page.getByLabel('Threads').fill('1');
  await page.getByLabel('Precision, ± %').fill('50');
  await page.getByRole('button', { name: 'Start', exact: true }).click();

  await page.getByRole('heading', { name: `here/${CONFIG}` }).waitFor();
  await page.getByText('No agent is online').waitFor();
  await watched.inspect('profile-queued');
  await agent('lab');
  await page.getByText('Mean error', { exact: true }).waitFor();
  await page.getByText('23 of 23 rows').waitFor();
  await watched.inspect('profile-done');
  const [made] = (await server.ok('GET', '/v1/profiles')).items;
  assert.deepEqual([made.ci, made.resolutions, made.rows_done], [0.5, [48], 23]);

  await page.getByRole('link', { name: 'Profiles' }).first().click();
  await page.getByRole('link', { name: `here/${CONFIG}` }).waitFor();
  await watched.inspect('profiles');

  await watched.visit(`/profiles/new?device=here&config=${CONFIG}&space=small&resolutions=48,64`);
  await page.getByText('The table has 23 of').waitFor();
});

scene('a running profile is live, is cancelled when that is confirmed, and goes on', async s => {
  const { server, watched, page, agent } = s;
  await addSmall(server);
  const job = await startProfile(server, LONG);
  await watched.visit(`/profiles/${job.id}`);
  await agent('lab');
  const visits = page.locator('.figures > div', { hasText: 'Visits' }).first().locator('.figure');
  const done = async () => Number((await visits.innerText()).split('/')[0].replace(/\s/g, ''));
  await page.getByText('running', { exact: true }).waitFor();
  // Without a reload: by events.
  const first = await waitFor('a visit', done);
  await waitFor('further visits', async () => (await done()) > first);
  await watched.inspect('profile-running');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the profile' }).click();
  await page.getByText('cancelled', { exact: true }).waitFor();
  assert.equal((await server.ok('GET', `/v1/profiles/${job.id}`)).state, 'cancelled');

  await page.getByRole('button', { name: 'Measure the rest' }).click();
  await page.waitForURL(url => !url.pathname.endsWith(job.id));
  const next = (await server.ok('GET', '/v1/profiles')).items.find(p => p.id !== job.id);
  for (const field of ['device', 'config', 'space', 'resolutions', 'rounds', 'runs', 'ci'])
    assert.deepEqual(next[field], job[field], field);
  await server.ok('DELETE', `/v1/profiles/${next.id}`);
  await page.getByText('cancelled', { exact: true }).waitFor();
});

scene('a failed profile says why', async ({ server, watched, page, agent }) => {
  await addSmall(server);
  await agent('lab');
  // A runtime that no runner has.
  const job = await startProfile(server, { config: 'nowhere-f32-t1-b1' });
  const failed = await waitForState(server, job, 'failed');
  await watched.visit(`/profiles/${job.id}`);
  await page.getByRole('alert').getByText(failed.error).waitFor();
  await watched.inspect('profile-failed');
  await watched.visit('/profiles');
  await page.getByText(failed.error).waitFor();
});

scene('what the server refuses stays on the form', async ({ server, watched, page }) => {
  await server.ok('POST', '/v1/devices', {
    name: 'here',
    transport: { type: 'local' },
  });
  await addSmall(server, 'there');
  watched.allow(/status of 4\d\d/);
  await watched.visit('/profiles/new?device=there&space=small');
  await page.getByText('A new table').waitFor();
  await page.route('**/v1/events*', route => route.abort());
  await server.ok('DELETE', '/v1/devices/there');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('alert').or(page.getByText('There is no device there')).first().waitFor();
  assert.equal(new URL(page.url()).pathname, '/profiles/new');
});
