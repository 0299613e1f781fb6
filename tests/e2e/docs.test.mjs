// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The reference of the REST API at /docs: nothing inline, no other host, and calls are tried out with the session. */
import assert from 'node:assert/strict';
import { scene } from './lib/scene.mjs';

const OPERATION = '#operations-Devices-createDevice';

async function open(page, server) {
  await page.goto(`${server.url}/docs`);
  await page.locator('.opblock').first().waitFor();
}

/** Fill in a body, send it, and give the status that came back. */
async function tryOut(page, body) {
  await page.locator(`${OPERATION} textarea`).fill(JSON.stringify(body));
  await page.locator(`${OPERATION} .execute`).click();
  const status = page.locator(`${OPERATION} .live-responses-table tbody .response-col_status`);
  await status.waitFor();
  return (await status.innerText()).trim().slice(0, 3);
}

scene('the reference shows every call, and asks no other host', async ({ server, watched, page }) => {
  const hosts = new Set();
  page.on('request', request => hosts.add(new URL(request.url()).host));
  await open(page, server);
  const { paths } = await server.ok('GET', '/openapi.json');
  const operations = Object.values(paths).flatMap(path => Object.keys(path));
  assert.equal(await page.locator('.opblock').count(), operations.length);
  await page.getByText('Signed in as admin').waitFor();
  // An answer of many kinds, and what it is made of.
  const search = page.locator('#operations-Search-findSubnet');
  await search.locator('.opblock-summary-control').click();
  await search.locator('.responses-wrapper').waitFor();
  await search.getByRole('tab', { name: 'Schema' }).first().click();
  await search.locator('.json-schema-2020-12').first().waitFor();
  await watched.keepScreenshot('docs-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('html.dark-mode').waitFor();
  await watched.keepScreenshot('docs-dark');
  assert.deepEqual([...hosts], [new URL(server.url).host]);
});

scene('a call is tried out with the session', async ({ server, page }) => {
  await open(page, server);
  await page.locator(`${OPERATION} .opblock-summary-control`).click();
  assert.equal(await tryOut(page, { name: 'tried', transport: { type: 'local' } }), '201');
  assert.equal((await server.ok('GET', '/v1/devices/tried')).transport.type, 'local');
});

scene('who is not signed in is told so', { role: null }, async ({ server, watched, page }) => {
  watched.allow(/status of 401/);
  await open(page, server);
  await page.getByText('Not signed in').waitFor();
  await page.locator(`${OPERATION} .opblock-summary-control`).click();
  assert.equal(await tryOut(page, { name: 'tried', transport: { type: 'local' } }), '401');
});
