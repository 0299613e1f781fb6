// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What every page has: signing in and out, navigation, what is live, colours. */
import assert from 'node:assert/strict';
import { scene } from './lib/scene.mjs';

scene('signing in takes a token, says which are unknown, and signing out takes it away', { role: null }, async s => {
  const { server, watched, page } = s;
  await page.goto(`${server.url}/devices`);
  await page.getByLabel('Token', { exact: true }).waitFor();
  await watched.inspect('sign-in');
  await page.getByLabel('Token', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server does not know this token.').waitFor();
  await page.getByLabel('Token', { exact: true }).fill(server.token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  const stored = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
  );
  assert.ok(!stored.includes(server.token), 'no script can read the token');
  await page.reload();
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token', { exact: true }).waitFor();
  await page.reload();
  await page.getByLabel('Token', { exact: true }).waitFor();
});

scene('the page waits for a server that is away, and goes on where it was', async ({ server, watched, page }) => {
  await server.ok('POST', '/v1/devices', {
    name: 'here',
    transport: { type: 'local' },
  });
  watched.allow(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await watched.visit('/devices');
  await page.getByText('here').first().waitFor();
  await server.stop();
  await page.locator('.live[data-live=false]').waitFor();
  await page.getByText('here').first().waitFor();
  await server.start();
  await page.locator('.live[data-live=true]').waitFor();
  await server.ok('POST', '/v1/devices', {
    name: 'there',
    transport: { type: 'local' },
  });
  await page.getByText('there').first().waitFor();
});

scene('a page that was never opened is loaded when a server that was away is back', async s => {
  const { server, watched, page } = s;
  watched.allow(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  watched.allow(/dynamically imported module|Unable to preload CSS/);
  await watched.visit('/devices');
  await server.stop();
  await page.locator('.live[data-live=false]').waitFor();
  await page.getByRole('link', { name: 'Search' }).click();
  await page.getByText('This page is loaded as soon as it is back.').waitFor();
  await server.start();
  await page.getByText('There is no latency table yet').waitFor();
});

scene('the longest names fit, on a phone too', async ({ server, watched, page }) => {
  const name = `${'a'.repeat(30)}.${'b'.repeat(33)}`;
  const destination = `${'u'.repeat(60)}@${'h'.repeat(60)}.example.org`;
  await server.ok('POST', '/v1/devices', { name, transport: { type: 'ssh', destination } });
  await watched.visit('/devices');
  await page.getByText(name).first().waitFor();
  await watched.inspect('devices-long');
});

scene('colours are chosen on the page and kept', async ({ watched, page }) => {
  await watched.visit('/devices');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByLabel('Colours').selectOption('dark');
  assert.notEqual(await ground(), light);
  await page.reload();
  await page.getByRole('heading', { name: 'Devices' }).waitFor();
  assert.notEqual(await ground(), light);
});

scene('an unknown page says so', async ({ watched, page }) => {
  await watched.visit('/nowhere');
  await page.getByText('There is no such page').waitFor();
});
