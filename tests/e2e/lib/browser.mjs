// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Headless Chromium, and what is held against every page: no errors on its console, no violation of its content security
 *  policy, nothing serious found by axe, no scrolling sideways. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { WAIT_MS } from './processes.mjs';

const modules = createRequire(new URL('../../../web/package.json', import.meta.url));
const { chromium } = modules('playwright-core');
const axeSource = readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');

/** Where screenshots go; ctest sets it to a folder of the build tree. */
const OUT = process.env.LATHE_E2E_OUT ?? 'e2e';
const SIZES = [
  { width: 1600, height: 1000 },
  { width: 390, height: 844 },
];
const SCHEMES = ['light', 'dark'];

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser's path; undefined where there is none. */
export const browserPath = (process.env.PATH ?? '')
  .split(delimiter)
  .map(folder => join(folder, 'chromium'))
  .find(isProgram);

export function launch() {
  return chromium.launch({
    executablePath: browserPath,
    // Chromium refuses its sandbox to root, as whom tests may run in a container.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-dev-shm-usage'],
  });
}

/** The browser's console says so of every refused request; that is how the page learns that nobody is signed in. */
function isExpected(message) {
  return message.text().includes('status of 401') && message.location().url.endsWith('/v1/session');
}

/** A page, and what went wrong on it. */
export class Watched {
  /** @param token null: nobody is signed in. */
  static async open(browser, server, token) {
    const watched = new Watched();
    watched.server = server;
    watched.errors = [];
    watched.allowed = [];
    watched.context = await browser.newContext({
      viewport: SIZES[0],
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    watched.context.setDefaultTimeout(WAIT_MS);
    if (token !== null) {
      const reply = await watched.context.request.post(`${server.url}/v1/session`, { data: { token } });
      assert.ok(reply.ok(), `sign in: ${reply.status()}`);
    }
    watched.page = await watched.context.newPage();
    watched.page.on('console', message => {
      if (message.type() === 'error' && !isExpected(message)) watched.errors.push(message.text());
    });
    watched.page.on('pageerror', error => watched.errors.push(String(error)));
    return watched;
  }

  /** Let the console show errors that match, as where a test has the server refuse something. */
  allow(pattern) {
    this.allowed.push(pattern);
  }

  /** Fails when anything went wrong on the page. */
  assertClean() {
    const bad = this.errors.filter(text => !this.allowed.some(pattern => pattern.test(text)));
    assert.deepEqual(bad, [], 'errors on the console');
  }

  /** Open a path and wait until what is shown is live. */
  async visit(path) {
    await this.page.goto(this.server.url + path);
    await this.page.locator('.live[data-live=true]').waitFor();
  }

  /** Hold the page as it is now against axe, at both sizes and in both schemes, and keep screenshots NAME-SIZE-SCHEME.png. */
  async inspect(name) {
    mkdirSync(OUT, { recursive: true });
    for (const size of SIZES) {
      await this.page.setViewportSize(size);
      for (const colorScheme of SCHEMES) {
        await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const label = `${name}-${size.width}-${colorScheme}`;
        await this.settle();
        await this.page.screenshot({ path: join(OUT, `${label}.png`), fullPage: true });
        await this.assertAccessible(label);
        const sideways = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(sideways <= 0, `${label} scrolls sideways by ${sideways} pixels`);
      }
    }
    await this.page.setViewportSize(SIZES[0]);
    await this.page.emulateMedia({ colorScheme: 'light' });
  }

  /** Until two frames were drawn: sizes and colours are in place. */
  settle() {
    return this.page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  }

  async assertAccessible(label) {
    // By the debugger, as the page's policy lets no script in.
    await this.page.evaluate(axeSource);
    const { violations } = await this.page.evaluate('axe.run({ resultTypes: ["violations"] })');
    const bad = violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
    const text = bad.flatMap(v => v.nodes.map(n => `${v.id}: ${v.help}: ${n.html}\n${n.failureSummary}`));
    assert.deepEqual(text, [], `axe on ${label}`);
  }

  async keepScreenshot(name) {
    mkdirSync(OUT, { recursive: true });
    await this.page.screenshot({ path: join(OUT, `${name}.png`), fullPage: true });
  }

  close() {
    return this.context.close();
  }
}
