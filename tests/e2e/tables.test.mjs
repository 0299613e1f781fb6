// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Tables and their trust: what was measured and imported is found, drawn, compared, exported and removed on the page. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { waitFor } from './lib/processes.mjs';
import { scene } from './lib/scene.mjs';
import { CONFIG, ROWS, addSmall, startProfile, waitForState } from './lib/small.mjs';

const TABLE = `/tables/here/${CONFIG}`;
const HEADER = 'layer,kind,count,latency_ms,mean_ms,trimmed_ms,std_ms,min_ms,p50_ms,p90_ms,contexts,ci_ms,alone';

/** A row of an imported table, as CSV. */
function line(layer, ms, spread = 0.01) {
  return [layer, layer.split(' ')[0], 40, ms, ms, ms, ms * spread, '', '', '', 3, ms * 0.01, 0].join(',');
}

function csv(lines) {
  return `${[HEADER, ...lines].join('\n')}\n`;
}

function addTable(server, name, lines) {
  return server.ok('POST', `/v1/tables/${name}/entries`, csv(lines), 'text/csv');
}

async function measured({ server, agent }) {
  await addSmall(server);
  await agent();
  await waitForState(server, await startProfile(server), 'done');
}

/** How many rows the list says it shows. */
const shown = (page, words) => page.locator('.rows-count', { hasText: words }).waitFor();

scene('a measured table is looked at from all sides', async s => {
  const { server, watched, page } = s;
  await measured(s);
  await watched.visit('/tables');
  await page.getByRole('link', { name: `here/${CONFIG}` }).waitFor();
  await watched.inspect('tables');
  await page.getByRole('link', { name: `here/${CONFIG}` }).click();

  // Rows, with their places in the space.
  await shown(page, `${ROWS} rows`);
  await page.getByRole('cell', { name: 'Stage 2, first block' }).first().waitFor();
  await watched.inspect('table-rows');
  await page.getByLabel('Stage', { exact: true }).selectOption('Stage 2');
  await shown(page, `6 of ${ROWS} rows`);
  await page.getByLabel('Kernel').selectOption('5');
  await shown(page, `3 of ${ROWS} rows`);
  await page.getByLabel('Expand').selectOption('6');
  await shown(page, `1 of ${ROWS} rows`);
  await page.waitForURL(/part=Stage\+2&kernel=5&expand=6/);
  await page.reload();
  await shown(page, `1 of ${ROWS} rows`);

  // A layer, at the keyboard: Escape leads back to its row.
  const panel = page.getByRole('complementary', { name: 'The layer' });
  const rows = page.locator('.table-scroll');
  await rows.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await panel.and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Escape');
  await rows.locator('.row-link:focus').waitFor();
  await page.keyboard.press('Enter');

  // Its samples are those that the server has.
  await panel.waitFor();
  const layer = new URL(page.url()).searchParams.get('layer');
  const samples = await server.ok('GET', `/v1/tables/here/${CONFIG}/samples?layer=${encodeURIComponent(layer)}`);
  const taken = samples.items.flatMap(v => v.samples).filter(v => v.basis !== 'left_out').length;
  await panel.getByText(`${taken} samples from ${samples.items.length} visits`).waitFor();
  await panel.locator('canvas').first().waitFor();
  await watched.inspect('table-layer');
  await panel.getByRole('button', { name: 'Close the layer' }).click();
  await panel.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Clear' }).click();
  await shown(page, `${ROWS} rows`);

  // Kernel by ratio: 6 choices in each of 3 stages, and each says what the table has.
  await page.getByRole('link', { name: 'Heat map' }).click();
  await page.locator('table.heat').first().waitFor();
  assert.equal(await page.locator('table.heat td a').count(), 18);
  const cell = page.locator('table.heat td a').first();
  const [text, href] = [await cell.textContent(), await cell.getAttribute('href')];
  const row = new URL(href, server.url).searchParams.get('layer');
  const { items } = await server.ok('GET', `/v1/tables/here/${CONFIG}/entries?limit=1000`);
  assert.ok(Math.abs(Number.parseFloat(text) - items.find(e => e.layer === row).latency_ms) < 1e-4, `${row}: ${text}`);
  await watched.inspect('table-heat');

  // Trust, as the server has it.
  await page.getByRole('link', { name: 'Trust' }).click();
  const trust = await server.ok('GET', `/v1/tables/here/${CONFIG}/trust`);
  await page.getByText(trust.trusted ? 'Can be trusted' : 'Doubtful', { exact: true }).waitFor();
  await page
    .getByText(`${(trust.mape * 100).toFixed(1)} %`, { exact: true })
    .first()
    .waitFor();
  await page.locator('canvas').nth(1).waitFor();
  assert.equal(await page.getByRole('rowheader').count(), trust.held_out.length);
  await watched.inspect('table-trust');

  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByRole('rowheader', { name: 'runtime' }).waitFor();
  await watched.inspect('table-versions');
});

scene('what a space lacks is profiled from the page, and calibrated', async s => {
  const { server, watched, page } = s;
  await measured(s);
  await watched.visit(`${TABLE}/coverage`);
  await page.getByText(`all ${ROWS}`).waitFor();
  await watched.inspect('table-coverage');
  await page.getByRole('button', { name: 'Choose all that lack rows' }).click();
  await page.getByRole('button', { name: 'Profile what is missing' }).click();
  // Told by events alone: rows come in, and the button is back.
  await page.getByText('a search can choose from all of it').waitFor();
  const { items } = await server.ok('GET', '/v1/profiles');
  assert.deepEqual(items.at(-1).resolutions, [64]);
  await waitForState(server, items.at(-1), 'done');

  const before = await server.ok('GET', `/v1/tables/here/${CONFIG}/trust`);
  await page.getByRole('link', { name: 'Trust' }).click();
  await page.getByRole('button', { name: 'Calibrate' }).click();
  const after = await waitFor('calibration', async () => {
    const now = await server.ok('GET', `/v1/tables/here/${CONFIG}/trust`);
    return now.profile !== before.profile && now;
  });
  await page.getByText(after.profile).waitFor();
});

scene(
  'files are imported by dropping them; what is wrong with one is told by its line',
  async ({ server, watched, page }) => {
    watched.allow(/status of (400|422)/);
    await watched.visit('/tables');
    await page.getByText('There is no table yet').waitFor();
    await watched.inspect('tables-empty');
    const drop = async (name, text) => {
      const data = await page.evaluateHandle(
        ([n, t]) => {
          const files = new DataTransfer();
          files.items.add(new File([t], n));
          return files;
        },
        [name, text],
      );
      await page.dispatchEvent('body', 'drop', { dataTransfer: data });
    };
    await drop(
      'pi4_tflite-f32-t1-b1.csv',
      csv([line('linear in=1x1x8 out=1x1x4', 1), line('linear in=1x1x8 out=1x1x5', -1)]),
    );
    const dialog = page.getByRole('dialog');
    assert.equal(await dialog.getByLabel('Device').inputValue(), 'pi4');
    assert.equal(await dialog.getByLabel('Config').inputValue(), 'tflite-f32-t1-b1');
    await dialog.getByRole('button', { name: 'Import' }).click();
    await dialog.getByText('Line 3').waitFor();
    await watched.inspect('tables-import');
    await dialog.getByRole('button', { name: 'Close' }).click();

    await drop('160.yaml', 'AvgPool2D-input:5x5x1152-output:1x1x1152:\n  count: 50\n  mean: 0.25\n  std: 0.01\n');
    await dialog.getByLabel('Device').fill('note .10');
    await dialog.getByText('1 to 64 letters').waitFor();
    await dialog.getByLabel('Device').fill('note10');
    await dialog.getByLabel('Config').fill('tflite-f32-t1-b1');
    await dialog.getByRole('button', { name: 'Import' }).click();
    await page.getByRole('heading', { name: 'note10/tflite-f32-t1-b1' }).waitFor();
    await shown(page, '1 row');
    const { items } = await server.ok('GET', '/v1/tables/note10/tflite-f32-t1-b1/entries');
    assert.equal(items[0].latency_ms, 0.25);
  },
);

scene('two tables stand side by side; a table is exported, and removed when that is confirmed', async s => {
  const { server, watched, page } = s;
  const layer = n => `linear in=1x1x${n} out=1x1x4`;
  await addTable(server, 'a/tflite-f32-t1-b1', [line(layer(8), 1), line(layer(16), 2), line(layer(32), 4)]);
  await addTable(server, 'b/tflite-f32-t1-b1', [line(layer(8), 2), line(layer(16), 2.01), line(layer(64), 4)]);
  await watched.visit('/tables/a/tflite-f32-t1-b1/compare');
  await page.getByLabel('Beside').selectOption('b/tflite-f32-t1-b1');
  await page.getByRole('cell', { name: '2.000×' }).waitFor();
  await page.getByRole('cell', { name: 'within noise' }).waitFor();
  await page.getByText('1 in the first, 1 in the second').waitFor();
  await page.locator('canvas').first().waitFor();
  await watched.inspect('table-compare');
  await page.getByLabel('significant differences only').check();
  await page.getByRole('cell', { name: 'within noise' }).waitFor({ state: 'detached' });

  const files = {};
  for (const format of ['CSV', 'JSON']) {
    const download = page.waitForEvent('download');
    await page.getByLabel('Export').selectOption({ label: format });
    const file = await download;
    files[file.suggestedFilename()] = readFileSync(await file.path(), 'utf8');
  }
  assert.deepEqual(Object.keys(files), ['a_tflite-f32-t1-b1.csv', 'a_tflite-f32-t1-b1.json']);
  // What was exported goes in again as it was.
  for (const [name, type] of [
    ['a_tflite-f32-t1-b1.csv', 'text/csv'],
    ['a_tflite-f32-t1-b1.json', 'application/json'],
  ]) {
    const again = await server.ok('POST', '/v1/tables/a/tflite-f32-t1-b1/entries', files[name], type);
    assert.deepEqual([again.rows, again.added, again.replaced], [3, 0, 3]);
  }

  await page.getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await server.ok('GET', '/v1/tables/a/tflite-f32-t1-b1');
  await page.getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('button', { name: 'Remove a/tflite-f32-t1-b1' }).click();
  await page.getByRole('heading', { name: 'Tables' }).waitFor();
  await page.getByRole('link', { name: 'a/tflite-f32-t1-b1' }).waitFor({ state: 'detached' });
  const { items } = await server.ok('GET', '/v1/tables');
  assert.deepEqual(
    items.map(t => t.device),
    ['b'],
  );
});

scene('implausible rows say why, in the list and where they are drawn', async ({ server, watched, page }) => {
  const block = k => `mbconv in=40x40x32 out=40x40x32 mid=192 k=${k} s=1 act=relu res=1`;
  await addTable(server, 'a/tflite-f32-t1-b1', [line(block(3), 2), line(block(5), 1), line(block(7), 3, 0.2)]);
  await watched.visit('/tables/a/tflite-f32-t1-b1/doubts');
  await page.getByRole('cell', { name: 'order' }).waitFor();
  await page.getByRole('cell', { name: 'spread' }).waitFor();
  await watched.inspect('table-doubts');
  await page.getByRole('link', { name: 'Rows', exact: true }).click();
  await page.getByLabel('implausible only (2)').check();
  await shown(page, '2 of 3 rows');
});

scene('100,000 rows: filtering and scrolling stay quick', async ({ server, watched, page }) => {
  const lines = Array.from({ length: 100_000 }, (_, i) =>
    line(`linear in=1x1x${(i % 50_000) + 1} out=1x1x${i < 50_000 ? 1 : 2}`, 1 + (i % 1000) / 100),
  );
  await addTable(server, 'big/tflite-f32-t1-b1', lines);
  await watched.visit('/tables/big/tflite-f32-t1-b1');
  await shown(page, /^100.000 rows/);
  // Only what is in sight is in the page.
  assert.ok((await page.locator('table.data tbody tr').count()) < 100);
  await page.getByRole('button', { name: 'Latency ms' }).click();
  await page.getByRole('columnheader', { name: 'Latency ms' }).and(page.locator('[aria-sort=descending]')).waitFor();
  await page.getByLabel('Text').fill('out=1x1x2 in=1x1x49999');
  await shown(page, /^1 of 100.000 rows/);
  await page.getByRole('button', { name: 'Clear' }).click();
  await shown(page, /^100.000 rows/);
  await page.locator('.table-scroll').evaluate(place => place.scrollTo(0, place.scrollHeight));
  await page.locator('tr[aria-rowindex="100001"]').waitFor();
});
