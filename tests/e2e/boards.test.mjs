// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A microcontroller, from its facts to a search within its memory; nothing that it counts is called a time. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { AGENT_ENV, Board, missing } from './lib/board.mjs';
import { scene } from './lib/scene.mjs';
import { SPACE, startProfile, waitForState } from './lib/small.mjs';

const why = missing();
if (why !== null) {
  process.stdout.write(`skipped: ${why}\n`);
  process.exit(77); // ctest takes it for skipped
}
const CONFIG = 'firmware-int8-t1-b1';
const TABLE = `m4/${CONFIG}`;

async function profiled({ server, agent }, board) {
  await server.ok('PUT', '/v1/spaces/small', SPACE);
  await server.ok('POST', '/v1/devices', { name: 'm4', transport: { type: 'serial', port: board.port } });
  await agent('lab', { env: AGENT_ENV });
  const asked = { device: 'm4', config: CONFIG, rounds: 1, runs: 2, held_out: 3, seed: 1 };
  const job = await waitForState(server, await startProfile(server, asked), 'done', 'failed');
  assert.equal(job.error, null);
}

async function walk({ server, watched, page }) {
  await watched.visit('/devices');
  await page.getByText('mps2-an386, ').waitFor();
  await page.getByText('counts instructions (emulated), not time').waitFor();
  await watched.inspect('devices-board');

  await watched.visit(`/tables/${TABLE}`);
  await page.getByText('instructions (emulated), not time').waitFor();
  await page.getByRole('button', { name: 'Latency M instr.' }).waitFor();
  await watched.inspect('table-board');

  // The space that the table has rows of is chosen, though nothing predicts its accuracy.
  await watched.visit('/search');
  await page.locator('.answer[aria-busy=false] .headline').waitFor();
  await page.getByText('instructions (emulated), not time').waitFor();
  assert.equal(await page.getByLabel('Space', { exact: true }).inputValue(), 'small');
  const { board } = await server.ok('GET', '/v1/devices/m4');
  // What the board has is the limit, unless the search says otherwise.
  const arena = (board.arena_bytes / 1024).toFixed(board.arena_bytes < 102400 ? 1 : 0);
  const sram = page.getByLabel('SRAM of a board limit in KiB');
  assert.equal(await sram.getAttribute('placeholder'), arena);
  assert.equal(await page.getByText(/\d ms\b/).count(), await page.locator('.effort', { hasText: ' ms' }).count());
  await watched.inspect('search-board');
}

scene('a board has its facts, its counts are no times, and its memory limits what is found', async s => {
  // The least of each cost is asked for by limits that nothing meets.
  s.watched.allow(/status of 422/);
  const board = await Board.start();
  try {
    await profiled(s, board);
    await walk(s);
  } finally {
    await board.close();
  }
});
