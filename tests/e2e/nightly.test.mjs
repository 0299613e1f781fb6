// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Nights on the page: started, watched, accepted, seen in histories; what became slower, and subnets that are shipped. */
import assert from 'node:assert/strict';
import { waitFor } from './lib/processes.mjs';
import { scene } from './lib/scene.mjs';
import { CONFIG, addSmall, startProfile, waitForState } from './lib/small.mjs';

const TABLE = `here/${CONFIG}`;
const REQUEST = { devices: 'all', config: CONFIG, space: 'small', resolutions: [48], patience_s: 30 };
/** Runs confirm what looks changed, on machines that others work on, too. */
const RUN_MS = 240_000;
const PHONE = { width: 360, height: 780 };

function startRun(server, changes = {}) {
  return server.ok('POST', '/v1/runs', { ...REQUEST, ...changes });
}

/** A run that has ended; its document. */
function waitForEnd(server, id) {
  return waitFor(
    `the end of ${id}`,
    async () => {
      const run = await server.ok('GET', `/v1/runs/${id}`);
      return run.state === 'running' ? null : run;
    },
    RUN_MS,
  );
}

/** The day of a run in the browser's time zone, which is that of this process. */
function dayOf(run) {
  const at = new Date(run.created);
  const two = n => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

const idOf = page => new URL(page.url()).pathname.split('/').at(-1);

async function profiled(server) {
  await addSmall(server);
  return startProfile(server);
}

scene('a run is started on the page, and later ones are seen beside it', async s => {
  const { server, watched, page, agent } = s;
  const job = await profiled(server);
  await agent('lab');
  await waitForState(server, job, 'done');
  await watched.visit('/nightly');
  await page.getByText('There was no run yet').waitFor();
  await watched.inspect('nightly-empty');

  // The form knows what was profiled.
  await page.getByRole('link', { name: 'Start a run' }).click();
  await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
  assert.equal(await page.getByLabel('Space').inputValue(), 'small');
  assert.equal(await page.getByLabel('Configs').inputValue(), CONFIG);
  assert.equal(await page.getByLabel('48', { exact: true }).isChecked(), true);
  assert.equal(await page.getByLabel('64', { exact: true }).isChecked(), false);
  await watched.inspect('nightly-new');
  await page.getByLabel('Configs').fill('xnnpack');
  await page.getByText('xnnpack is no config').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Start', exact: true }).isDisabled());
  await page.getByLabel('Configs').fill(CONFIG);
  await page.getByLabel('Label').fill('the first');
  await page.getByRole('button', { name: 'Start', exact: true }).click();

  // It is seen to end without a reload, and is its own level.
  await page.waitForURL(/\/nightly\/run-/);
  const first = await waitForEnd(server, idOf(page));
  assert.deepEqual([first.outcome, first.label, first.resolutions], ['unchanged', 'the first', [48]]);
  await page.getByText('nothing: it is the first').waitFor();
  await page.getByText('Accepted as the new level by itself').waitFor();
  await page.getByText('unchanged', { exact: true }).waitFor();
  await watched.inspect('nightly-first');

  // The second is compared, found in the calendar and in the list, and accepted.
  const second = await waitForEnd(server, (await startRun(server, { label: 'the second' })).id);
  assert.equal(second.state, 'done');
  await watched.visit('/nightly');
  const rows = page.getByRole('table', { name: 'Runs' }).getByRole('rowheader');
  await waitFor('both runs', async () => (await rows.count()) === 2);
  await watched.inspect('nightly');
  const today = page.getByRole('button', { name: new RegExp(`^${dayOf(second)}: `) });
  await today.focus();
  await page.keyboard.press('ArrowLeft');
  await page.locator('.calendar :focus').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('None.', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'All days' }).click();
  await today.click();
  await page.getByRole('heading', { name: `Runs of ${dayOf(second)}` }).waitFor();
  await rows.first().getByRole('link').click();
  await page.waitForURL(new RegExp(`/nightly/${second.id}$`));
  await page.getByRole('heading', { name: 'Speed of the devices' }).waitFor();
  await page.locator('canvas').first().waitFor();
  await watched.inspect('nightly-run');
  await page.getByRole('button', { name: 'Accept this level' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Why').fill('as good as the first');
  await watched.inspect('nightly-accept');
  await dialog.getByRole('button', { name: 'Accept this level' }).click();
  await page.getByText('as good as the first').waitFor();
  assert.equal((await server.ok('GET', `/v1/runs/${second.id}`)).accepted.note, 'as good as the first');

  // A row has both nights, as the server has them.
  const { items } = await server.ok('GET', `/v1/tables/${TABLE}/entries?limit=1000`);
  const { layer } = items.find(e => e.kind === 'mbconv') ?? items[0];
  const nights = await server.ok('GET', `/v1/tables/${TABLE}/nights?layer=${encodeURIComponent(layer)}`);
  assert.deepEqual(
    nights.nights.map(n => n.run),
    [first.id, second.id],
  );
  await watched.visit(`/tables/${TABLE}?layer=${encodeURIComponent(layer)}`);
  const panel = page.getByRole('complementary', { name: 'The layer' });
  await panel.getByText('2 nights', { exact: true }).waitFor();
  const told = panel.locator('.nights tbody tr').first();
  await told.getByText('accepted').waitFor();
  assert.equal(await told.locator('td').first().innerText(), nights.nights[1].latency_ms.toFixed(4));
  await watched.inspect('nightly-layer');
  await page.setViewportSize(PHONE);
  await watched.visit('/nightly');
  await rows.first().waitFor();
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(sideways <= 0, `scrolls sideways by ${sideways} pixels`);
});

scene('what became slower is told, with its rows; subnets are shipped and looked after', async s => {
  const { server, watched, page, agent } = s;
  const job = await profiled(server);
  const before = await agent('before');
  await waitForState(server, job, 'done');

  // The answer of a search is shipped from the page, which finds its ranges by limits that nothing meets.
  watched.allow(/status of 422/);
  await watched.visit(`/search?table=${TABLE}&space=small&latency_ms=50`);
  const ship = page.getByRole('region', { name: 'Ship it' });
  await ship.getByLabel('Name').waitFor();
  assert.equal(await ship.getByLabel('Name').inputValue(), 'small-50ms');
  await ship.getByLabel('Name').fill('door');
  await ship.getByRole('button', { name: 'Ship', exact: true }).click();
  await ship.getByText('There is one of this name').waitFor();
  const [door] = (await server.ok('GET', '/v1/shipped')).items;
  assert.deepEqual([door.name, door.latency_ms, `${door.device}/${door.config}`], ['door', 50, TABLE]);

  const first = await waitForEnd(server, (await startRun(server)).id);
  assert.equal(first.outcome, 'unchanged');
  await before.program.stop();
  await agent('after', { env: { LATHE_RUN_TEST_SLOWDOWN: 'mbconv=1.5' } });
  const run = await startRun(server);
  await watched.visit(`/nightly/${run.id}`);
  await page.getByRole('progressbar', { name: 'Progress', exact: true }).waitFor();
  const found = await waitForEnd(server, run.id);
  assert.deepEqual([found.outcome, found.exit_code], ['regression', 5]);
  const slower = found.findings.find(f => f.direction === 'slower' && f.scope !== 'subnet');
  await page.getByText(slower.sentence, { exact: true }).waitFor();
  const rows = page.locator('.finding details', { hasText: 'rows' }).first();
  await rows.locator('summary').first().click();
  await rows.getByRole('rowheader').first().waitFor();
  await watched.inspect('nightly-slower');
  await rows.getByRole('rowheader').first().getByRole('link').click();
  await page.getByRole('complementary', { name: 'The layer' }).getByText('2 nights', { exact: true }).waitFor();

  await watched.visit('/nightly');
  await page.getByRole('button', { name: new RegExp(`^${dayOf(run)}: slower`) }).waitFor();
  const list = page.getByRole('table', { name: 'Shipped subnets' });
  await list.getByRole('rowheader', { name: 'door' }).waitFor();
  await watched.inspect('nightly-shipped');
  await list.getByRole('button', { name: 'Remove door' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove door' }).click();
  await page.getByText('names a subnet that is in use').waitFor();
  assert.deepEqual((await server.ok('GET', '/v1/shipped')).items, []);
});

scene('a run that waits for its device is cancelled when that is confirmed', async ({ server, watched, page }) => {
  await addSmall(server);
  const run = await startRun(server, { patience_s: 600 });
  await watched.visit(`/nightly/${run.id}`);
  await page.getByText('running', { exact: true }).waitFor();
  await watched.inspect('nightly-running');
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
  await page.getByText('cancelled', { exact: true }).first().waitFor();
  assert.equal((await server.ok('GET', `/v1/runs/${run.id}`)).state, 'cancelled');
  assert.equal(await page.getByRole('button', { name: 'Accept this level' }).count(), 0);
});
