// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { beforeEach, describe, expect, it } from 'vitest';
import type { Followed } from './follow';
import { Follower } from './follow';

/** Numbers are questions; those of the same hundred are kin. */
class Bench {
  now = 0;
  frames: (() => void)[] = [];
  asked: { question: number; signal: AbortSignal; answer: (a: string) => void; fail: (e: unknown) => void }[] = [];
  told: Followed<number, string>[] = [];
  follower = new Follower<number, string>({
    ask: (question, signal) =>
      new Promise((answer, fail) => {
        this.asked.push({ question, signal, answer, fail });
      }),
    tell: followed => this.told.push(followed),
    areKin: (a, b) => Math.floor(a / 100) === Math.floor(b / 100),
    frame: run => {
      this.frames.push(run);
      return () => {
        this.frames = this.frames.filter(other => other !== run);
      };
    },
    now: () => this.now,
  });

  frame() {
    for (const run of this.frames.splice(0)) run();
  }

  async answer(at: number, text: string) {
    this.asked[at]?.answer(text);
    await Promise.resolve();
    await Promise.resolve();
  }

  get questions() {
    return this.asked.map(a => a.question);
  }
}

describe('a follower', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });

  it('asks the newest of a frame only', () => {
    bench.follower.want(1);
    bench.follower.want(2);
    expect(bench.questions).toEqual([]);
    bench.frame();
    expect(bench.questions).toEqual([2]);
  });

  it('has one under way, and asks the newest that came meanwhile once it is answered', async () => {
    bench.follower.want(1);
    bench.frame();
    bench.follower.want(2);
    bench.frame();
    bench.follower.want(3);
    bench.frame();
    expect(bench.questions).toEqual([1]);
    await bench.answer(0, 'one');
    expect(bench.told.map(t => t.answer)).toEqual(['one']);
    expect(bench.questions).toEqual([1, 3]);
  });

  it('calls off what is no kin of what is wanted, and tells nothing of it', async () => {
    bench.follower.want(1);
    bench.frame();
    bench.follower.want(100);
    expect(bench.asked[0]?.signal.aborted).toBe(true);
    bench.frame();
    expect(bench.questions).toEqual([1, 100]);
    await bench.answer(0, 'late');
    expect(bench.told).toEqual([]);
    await bench.answer(1, 'right');
    expect(bench.told).toEqual([{ question: 100, answer: 'right', error: null }]);
  });

  it('calls off what takes long when another is wanted', () => {
    bench.follower.want(1);
    bench.frame();
    bench.now = 1000;
    bench.follower.want(2);
    bench.frame();
    expect(bench.asked[0]?.signal.aborted).toBe(true);
    expect(bench.questions).toEqual([1, 2]);
  });

  it('tells failures, and goes on', async () => {
    bench.follower.want(1);
    bench.frame();
    bench.follower.want(2);
    bench.frame();
    bench.asked[0]?.fail(new Error('no'));
    await Promise.resolve();
    await Promise.resolve();
    expect(bench.told[0]).toMatchObject({ question: 1, answer: null, error: new Error('no') });
    expect(bench.questions).toEqual([1, 2]);
  });

  it('is silent once it is stopped', async () => {
    bench.follower.want(1);
    bench.frame();
    bench.follower.want(2);
    bench.follower.stop();
    bench.frame();
    await bench.answer(0, 'one');
    expect(bench.told).toEqual([]);
    expect(bench.questions).toEqual([1]);
  });
});
