// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** scene(NAME, async ({ server, watched, page, agent }) => {...}): a test of the page, with a server of its own. */
import process from 'node:process';
import { after, test } from 'node:test';
import { Watched, browserPath, launch } from './browser.mjs';
import { Agent, Server } from './processes.mjs';

if (browserPath === undefined) {
  process.stdout.write('skipped: there is no chromium (ci/packages test installs it)\n');
  process.exit(77); // ctest takes it for skipped
}

let browser;
after(() => browser?.close());

/** What was started for one test, closed in reverse, whatever fails on the way. */
async function closeAll(things) {
  const errors = [];
  for (const thing of things.reverse()) {
    try {
      await thing.close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** @param options.role of who is signed in: "admin" (the default), "user", "agent"; null: nobody.
 *  @param options.args for lathed. @param run gets the server, the page (Watched and playwright's), and agent(name, ...args),
 *  which starts one. A page with errors on its console fails the test; screenshots of failures are kept. */
export function scene(name, options, run) {
  if (typeof options === 'function') return scene(name, {}, options);
  test(name, async () => {
    const things = [];
    let failed = true;
    try {
      browser ??= await launch();
      const server = await Server.start(...(options.args ?? []));
      things.push(server);
      const role = options.role === undefined ? 'admin' : options.role;
      const token = role === null || role === 'admin' ? server.token : await server.newToken(role, 'visitor');
      const watched = await Watched.open(browser, server, role === null ? null : token);
      things.push(watched);
      const agent = async (...args) => {
        const started = await Agent.start(server, ...args);
        // Before the page is closed, after the server: an agent that lost its server ends well, too.
        things.push(started);
        return started;
      };
      try {
        await run({ server, watched, page: watched.page, agent });
        watched.assertClean();
      } catch (error) {
        await watched.keepScreenshot(`failed-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`).catch(() => undefined);
        throw error;
      }
      failed = false;
    } finally {
      // What failed first is what is told.
      await (failed ? closeAll(things).catch(() => undefined) : closeAll(things));
    }
  });
}
