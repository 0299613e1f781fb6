// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Tokens on the page. */
import assert from 'node:assert/strict';
import { scene } from './lib/scene.mjs';

const statusOf = (server, token) =>
  fetch(`${server.url}/v1/devices`, { headers: { Authorization: `Bearer ${token}` } }).then(reply => reply.status);

scene('a token is made, shown once, works, and is revoked when that is confirmed', async s => {
  const { server, watched, page } = s;
  await watched.visit('/tokens');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('night ly');
  await dialog.getByText('Letters, digits').waitFor();
  await dialog.getByLabel('Name').fill('nightly');
  await watched.inspect('tokens-new');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  const secret = (await dialog.getByLabel('the token', { exact: true }).innerText()).trim();
  assert.equal(await statusOf(server, secret), 200);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('table', { name: 'Tokens' }).getByText('nightly').waitFor();
  await watched.inspect('tokens');
  assert.equal(await page.getByText(secret).count(), 0);
  await page.getByRole('button', { name: 'Revoke nightly' }).click();
  await dialog.getByRole('button', { name: 'Revoke nightly' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await statusOf(server, secret), 401);
});

scene('others than admins are not led to tokens', { role: 'user' }, async ({ watched, page }) => {
  await watched.visit('/devices');
  assert.equal(await page.getByRole('link', { name: 'Tokens' }).count(), 0);
  await watched.visit('/tokens');
  await page.getByText('Tokens are made and revoked by admins.').waitFor();
});
