// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A board in QEMU that runs the firmware, its UART at a pseudo terminal. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { waitFor } from './processes.mjs';

const BIN = process.env.LATHE_BIN ?? '';
const IMAGES = join(dirname(BIN), 'share/lathe/firmware');
/** What makes an agent open pseudo terminals, which have no control lines. */
export const AGENT_ENV = {
  LD_PRELOAD: join(BIN, 'terminal-shim.so'),
  ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'verify_asan_link_order=0'].filter(Boolean).join(':'),
};

/** Why no board can be started here; null: it can. */
export function missing() {
  const absent = ['qemu-system-arm', 'socat'].find(name => spawnSync('which', [name]).status !== 0);
  if (absent) return `there is no ${absent}`;
  return existsSync(join(IMAGES, 'mps2-an386.elf')) ? null : 'the firmware was not built';
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** A Cortex-M4 whose counter counts instructions. */
export class Board {
  static async start() {
    const board = new Board();
    board.folder = mkdtempSync(join(tmpdir(), 'lathe-e2e-board-'));
    const uart = join(board.folder, 'uart');
    const link = join(board.folder, 'tty');
    // The same file from /dev and from /sys/class/tty, where libserialport looks for a link of this name.
    board.port = `/dev/../../..${link}`;
    const machine = ['-M', 'mps2-an386', '-icount', 'shift=7', '-nographic', '-monitor', 'none'];
    const chardev = `socket,id=uart,path=${uart},server=on,wait=on`;
    const image = ['-kernel', join(IMAGES, 'mps2-an386.elf'), '-chardev', chardev, '-serial', 'chardev:uart'];
    board.children = [spawn('qemu-system-arm', [...machine, ...image], { stdio: 'ignore' })];
    await waitFor('QEMU’s socket', () => existsSync(uart));
    board.children.push(spawn('socat', [`PTY,link=${link},raw,echo=0`, `UNIX-CONNECT:${uart}`], { stdio: 'ignore' }));
    await waitFor('the pseudo terminal', () => existsSync(link));
    return board;
  }

  async close() {
    for (const child of this.children.reverse()) await end(child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
