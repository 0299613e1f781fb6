// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Searching: what the page shows is what the API answers, and what is measured was measured. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { scene } from './lib/scene.mjs';
import { CONFIG, SPACE, addSmall, startProfile, waitForState } from './lib/small.mjs';

const TABLE = `here/${CONFIG}`;
/** At resolutions that predictors are trained for. */
const LARGER = { ...SPACE, id: 'larger', title: 'larger', resolutions: [112, 128] };
const ASKED = `table=${TABLE}&space=larger&predictor=linear`;

/** Every subnet of the space at a resolution, with accuracies that are linear in their choices. */
function samples() {
  const lines = ['k0,k1,k2,e0,e1,e2,d0,d1,d2,r,accuracy'];
  for (let i = 0; i < 432; i++) {
    const pick = (values, place) => values[Math.floor(i / place) % values.length];
    const k = [pick([3, 5], 1), pick([3, 5], 2), pick([3, 5], 4)];
    const e = [pick([3, 4, 6], 8), pick([3, 4, 6], 24), pick([3, 4, 6], 72)];
    const r = pick([112, 128], 216);
    const sum = list => list.reduce((a, b) => a + b);
    lines.push([...k, ...e, 1, 1, 1, r, (0.5 + 0.01 * sum(k) + 0.005 * sum(e) + 0.0005 * r).toFixed(6)].join(','));
  }
  return `${lines.join('\n')}\n`;
}

/** A device whose table is profiled, and a predictor. */
async function prepare({ server, agent }) {
  await addSmall(server);
  await server.ok('PUT', '/v1/spaces/larger', LARGER);
  await agent('lab');
  await server.ok('POST', '/v1/predictors/linear/train?space=larger', samples(), 'text/csv');
  await waitForState(server, await startProfile(server, { space: 'larger', resolutions: [112] }), 'done');
}

/** Until the answer is that of the question. */
async function settled(page) {
  await page.locator('.answer[aria-busy=false] .headline').waitFor();
}

function figure(page, name) {
  return page
    .getByRole('region', { name: 'The answer' })
    .locator('dl div', { hasText: name })
    .locator('dd')
    .innerText();
}

/** The answer of the API to what the address asks. */
function asked(server, url) {
  const given = new URL(url).searchParams;
  const limit = given.get('latency_ms');
  return server.ok('POST', '/v1/subnets', {
    table: given.get('table'),
    space: given.get('space'),
    predictor: given.get('predictor'),
    constraints: { latency_ms: Number(limit) },
  });
}

/** A shown figure, which has four digits at least. */
function assertNear(text, value) {
  assert.ok(Math.abs(parseFloat(text) / value - 1) < 2e-3, `${text} is not ${value}`);
}

/** The page shows what the API answers to its address. */
async function assertShown({ server, page }) {
  const answer = await asked(server, page.url());
  assert.equal(await page.locator('.headline strong').innerText(), `${(answer.top1 * 100).toFixed(2)} %`);
  assertNear(await figure(page, 'Latency'), answer.latency_ms);
  return answer;
}

scene('a search begins by itself, follows its slider, and its link shows the same', async s => {
  const { watched, page } = s;
  await prepare(s);
  await watched.visit('/search');
  await settled(page);
  await page.waitForURL(/latency_ms=/);
  await assertShown(s);
  await page.locator('.chart canvas').first().waitFor();
  await watched.inspect('search');

  const before = page.url();
  const slider = page.getByRole('slider', { name: 'Latency limit' });
  await slider.focus();
  await slider.press('Home');
  await page.waitForURL(url => url.href !== before);
  await settled(page);
  const least = await assertShown(s);
  const limit = Number(new URL(page.url()).searchParams.get('latency_ms'));
  assert.ok(least.latency_ms <= limit && limit < least.latency_ms * 1.01, `${limit} for ${least.latency_ms}`);

  await watched.visit(new URL(page.url()).pathname + new URL(page.url()).search);
  await settled(page);
  await assertShown(s);
});

scene('what can not be met shows the least that can, and takes it', async s => {
  const { watched, page } = s;
  watched.allow(/status of 422/);
  await prepare(s);
  await watched.visit(`/search?${ASKED}&latency_ms=0.000001`);
  const take = page.getByRole('button', { name: /^Set latency to / });
  await take.waitFor();
  await watched.inspect('search-infeasible');
  await take.click();
  await page.waitForURL(url => Number(url.searchParams.get('latency_ms')) > 0.000001);
  await settled(page);
  await assertShown(s);
});

scene('a chosen subnet is measured, verified, and taken along', async s => {
  const { server, watched, page } = s;
  await prepare(s);
  await watched.visit(`/search?${ASKED}&latency_ms=1000`);
  await settled(page);
  const { subnet } = await assertShown(s);

  await page.getByRole('button', { name: 'Measure on the device now' }).click();
  await page.getByText('95 % interval').waitFor();
  const { items } = await server.ok('GET', '/v1/measurements');
  assert.equal(items.length, 1);
  assert.deepEqual(items[0].subnet, subnet);
  const panel = page.getByRole('region', { name: 'On the device' });
  assertNear(await panel.locator('dl div', { hasText: 'Measured' }).locator('dd').innerText(), items[0].latency_ms);

  await page.getByRole('button', { name: 'Search and verify' }).click();
  await page.getByRole('button', { name: 'Verify again' }).waitFor();
  await page.getByText('measured to fit').waitFor();
  await watched.inspect('search-verified');

  const along = page.getByRole('region', { name: 'Take it along' });
  await along.getByRole('button', { name: 'net.config', exact: true }).click();
  const config = JSON.parse(await along.locator('pre').innerText());
  assert.deepEqual(config, await server.ok('POST', '/v1/net-configs', { subnet }));

  await page.getByLabel('Latency limit in ms').fill('999');
  await page.getByText('measured to fit').waitFor({ state: 'detached' });
  await settled(page);
  await along.getByRole('button', { name: 'curl', exact: true }).click();
  const command = await along.locator('pre').innerText();
  const answer = JSON.parse(
    execFileSync('sh', ['-c', command], {
      env: { ...process.env, LATHE_TOKEN: server.token },
      encoding: 'utf8',
    }),
  );
  assert.deepEqual(answer.subnet, subnet);
});

scene('published networks are measured from the page, and show beside the front', async s => {
  const { server, watched, page } = s;
  await prepare(s);
  await watched.visit(`/search?${ASKED}&latency_ms=1000`);
  await settled(page);
  await page.getByRole('button', { name: /^Measure the catalog/ }).click();
  const dialog = page.getByRole('dialog');
  for (const family of await dialog.getByRole('checkbox').all()) await family.uncheck();
  await dialog.getByLabel(/MnasNet/).check();
  await watched.inspect('search-catalog');
  await dialog.getByRole('button', { name: 'Measure 1', exact: true }).click();
  const networks = page.getByRole('table', { name: 'Published networks' });
  await networks.getByText('MnasNet').waitFor();
  const { items } = await server.ok('GET', `/v1/tables/${TABLE}/networks`);
  assert.equal(items.length, 1);
  await watched.inspect('search-networks');
});

scene('one subnet for two devices meets both limits', async s => {
  const { server, watched, page } = s;
  await prepare(s);
  const { items } = await server.ok('GET', `/v1/tables/${TABLE}/entries?limit=1000`);
  const rows = items.map(row => `${row.layer},${row.latency_ms * 3}`);
  await server.ok('POST', `/v1/tables/slow/${CONFIG}/entries`, `layer,mean_ms\n${rows.join('\n')}\n`, 'text/csv');
  await watched.visit(`/search?${ASKED}&latency_ms=1000`);
  await settled(page);
  await page.getByRole('button', { name: /second device/ }).click();
  await page.waitForURL(/table=slow/);
  const asked = {
    table: TABLE,
    space: 'larger',
    predictor: 'linear',
    objective: 'latency',
    min_top1: 0.001,
  };
  const limit = ((await server.ok('POST', '/v1/subnets', asked)).latency_ms * 3.3).toPrecision(3);
  await page.getByLabel(`slow/${CONFIG} limit in ms`).fill(limit);
  await page.waitForURL(url => url.searchParams.getAll('latency_ms')[1] === String(Number(limit)));
  await settled(page);
  const slow = parseFloat(await figure(page, `slow/${CONFIG}`));
  assert.ok(slow <= Number(limit), `${slow} of ${limit}`);
  assertNear(await figure(page, TABLE), slow / 3);

  // With room again, for the least MACs that reach a middling accuracy.
  await page.getByLabel(`slow/${CONFIG} limit in ms`).fill('1000');
  await page.getByLabel('Find').selectOption('macs');
  await page.waitForURL(/goal=macs/);
  await settled(page);
  await page.getByLabel('Axis').selectOption('macs_m');
  await page.locator('.front-plot[data-stale=false]').waitFor();
  await watched.inspect('search-two-devices');
});

scene('rows that are missing are measured from the page', async s => {
  const { server, watched, page } = s;
  watched.allow(/status of 409/);
  await prepare(s);
  await watched.visit(`/search?${ASKED}&latency_ms=1000&resolutions=128`);
  await page.getByRole('button', { name: 'Profile what is missing' }).waitFor();
  await watched.inspect('search-missing-rows');
  await page.getByRole('button', { name: 'Profile what is missing' }).click();
  await settled(page);
  const { items } = await server.ok('GET', '/v1/profiles');
  assert.deepEqual(items.at(-1).resolutions, [128]);
  await assert.doesNotReject(page.getByText('128 × 128').waitFor());
});

scene('without a predictor, the subnet with most MACs is found, and the page says why', async s => {
  const { server, watched, page, agent } = s;
  // The least of each cost is asked for by limits that nothing meets.
  watched.allow(/status of 422/);
  await addSmall(server);
  await agent('lab');
  await waitForState(server, await startProfile(server), 'done');
  await watched.visit(`/search?table=${TABLE}&space=small`);
  await settled(page);
  await page.getByText('Nothing predicts the accuracy of small yet').waitFor();
  const largest = { table: TABLE, space: 'small', objective: 'most_macs' };
  const all = await server.ok('POST', '/v1/subnets', { ...largest, constraints: { latency_ms: 1e9 } });
  const headline = page.locator('.headline');
  assert.equal(await headline.locator('strong').innerText(), `${all.macs_m.toFixed(1)} M`);
  await watched.inspect('search-no-predictor');

  // Half way between the least that there is and the most, fewer are found.
  await page.getByRole('checkbox', { name: 'MACs' }).check();
  await headline
    .locator('strong')
    .filter({ hasNotText: `${all.macs_m.toFixed(1)} M` })
    .waitFor();
  await settled(page);
  const limit = Number(await page.getByLabel('MACs limit in M').inputValue());
  const less = await server.ok('POST', '/v1/subnets', { ...largest, constraints: { macs_m: limit } });
  assert.equal(await headline.locator('strong').innerText(), `${less.macs_m.toFixed(1)} M`);
  assert.ok(less.macs_m <= limit && limit < all.macs_m);
});

scene('without a table, and without rows, the page says what to do', async s => {
  const { server, watched, page } = s;
  await watched.visit('/search');
  await page.getByText('There is no latency table yet').waitFor();
  await watched.inspect('search-empty');
  // The page chooses the table as soon as there is one, with the space that it has most rows of; it lacks others.
  watched.allow(/status of 4(09|22)/);
  await addSmall(server);
  await server.ok('POST', `/v1/tables/${TABLE}/entries`, 'layer,mean_ms\navgpool in=5x5x64 out=1x1x64,1\n', 'text/csv');
  await page.getByLabel('Table', { exact: true }).waitFor();
  await watched.visit(`/search?table=${TABLE}&space=small&latency_ms=5`);
  await page.getByText('lacks rows of this space').waitFor();
  await watched.inspect('search-no-rows');
});
