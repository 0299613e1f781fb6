// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The space of the service tests, which even a sanitized runner measures in seconds. */
import { readFileSync } from 'node:fs';
import { waitFor } from './processes.mjs';

export const CONFIG = 'xnnpack-f32-t1-b1';
export const SPACE = JSON.parse(readFileSync(new URL('../../service/small_space.json', import.meta.url), 'utf8'));
/** Rows of one resolution. */
export const ROWS = 23;

/** Put the space and register a local device. */
export async function addSmall(server, device = 'here') {
  await server.ok('PUT', '/v1/spaces/small', SPACE);
  await server.ok('POST', '/v1/devices', { name: device, transport: { type: 'local' } });
}

/** @param changes what differs from a profile of some seconds. */
export function startProfile(server, changes = {}) {
  const request = { device: 'here', config: CONFIG, space: 'small', resolutions: [48], rounds: 4, runs: 3 };
  return server.ok('POST', '/v1/profiles', { ...request, ...changes });
}

/** Wait until a job (profile, measurement, clean) is in one of the states; its document. */
export function waitForState(server, job, ...states) {
  return waitFor(`${job.kind} ${states.join(' or ')}`, async () => {
    const now = await server.ok('GET', `/v1/${job.kind}s/${job.id}`);
    return states.includes(now.state) ? now : null;
  });
}
