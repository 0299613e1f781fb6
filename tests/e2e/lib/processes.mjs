// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The real programs on free ports and empty folders. LATHE_BIN is the folder of the programs; ctest sets it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** For anything that must come; sanitized programs on a busy machine are slow. */
export const WAIT_MS = 60_000;

function program(name) {
  const path = join(process.env.LATHE_BIN ?? '', name);
  if (!existsSync(path)) throw new Error(`${path}: build it first (LATHE_BIN is the folder of the programs)`);
  return path;
}

/** Ask until condition() gives something true; that. @param what names it in the failure. */
export async function waitFor(what, condition, timeout = WAIT_MS) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeout / 1000} s`);
    await delay(50);
  }
}

/** A program under test, its standard error kept in a file of the folder. */
class Program {
  constructor(name, args, folder, env = {}) {
    this.name = name;
    this.log = join(folder, `${name}.log`);
    const log = openSync(this.log, 'w');
    this.child = spawn(program(name), args, { stdio: ['ignore', 'pipe', log], env: { ...process.env, ...env } });
    closeSync(log);
    this.lines = createInterface({ input: this.child.stdout });
    this.ended = once(this.child, 'exit');
  }

  stderr() {
    return readFileSync(this.log, 'utf8');
  }

  /** SIGTERM; the program must end well, and no sanitizer may have spoken. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const [status, signal] = await this.ended;
    const said = this.stderr();
    if (status !== 0 || /Sanitizer|runtime error/.test(said))
      throw new Error(`${this.name} ended with ${status ?? signal}:\n${said.slice(-6000)}`);
  }
}

/** lathed. After stop(), start() again keeps folder and port. */
export class Server {
  static async start(...args) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), 'lathe-e2e-'));
    server.args = args;
    server.port = 0;
    await server.start();
    return server;
  }

  async start() {
    this.program = new Program(
      'lathed',
      ['--data', this.folder, '--listen', `127.0.0.1:${this.port}`, ...this.args],
      this.folder,
    );
    const line = await Promise.race([once(this.program.lines, 'line'), this.program.ended]);
    if (!String(line[0]).includes('ready at')) throw new Error(`lathed is not ready: ${this.program.stderr()}`);
    this.url = line[0].split(' ').at(-1);
    this.port = Number(new URL(this.url).port);
    this.token = readFileSync(join(this.folder, 'admin.token'), 'utf8').trim();
  }

  stop() {
    return this.program.stop();
  }

  /** Stop it and remove its folder. */
  async close() {
    try {
      await this.stop();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** A call of the REST API that must succeed. @param body an object goes as JSON, a string as `type`. @return its answer,
   *  parsed where it is JSON. */
  async ok(method, path, body, type = 'application/json') {
    const reply = await fetch(this.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.token}`,
        Accept: 'application/json',
        ...(body === undefined ? {} : { 'Content-Type': type }),
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
    return reply.headers.get('Content-Type')?.includes('json') && text ? JSON.parse(text) : text;
  }

  /** @return a new token's secret. @param role "admin", "user" or "agent". */
  async newToken(role, name) {
    return (await this.ok('POST', '/v1/tokens', { role, name })).token;
  }
}

/** lathe-agent for a server. */
export class Agent {
  /** @param args for the program; an object {token, env} before them gives its token, else one is made over REST, and
   *  what is added to its environment. */
  static async start(server, name = 'lab', ...args) {
    const { token: given = null, env } = typeof args[0] === 'object' ? args.shift() : {};
    const agent = new Agent();
    agent.folder = mkdtempSync(join(tmpdir(), 'lathe-e2e-agent-'));
    const token = join(agent.folder, 'token');
    writeFileSync(token, `${given ?? (await server.newToken('agent', name))}\n`);
    agent.program = new Program(
      'lathe-agent',
      ['--server', server.url, '--name', name, '--token-file', token, ...args],
      agent.folder,
      env,
    );
    return agent;
  }

  async close() {
    try {
      await this.program.stop();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
