// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Answers that follow a slider. A slider moves faster than a search answers: asking for each position would queue them,
 *  and calling off each would show nothing until it rests. So one question is under way at a time, asked at the next
 *  frame; when it is answered, the newest of those that came meanwhile is next. */

/** An answer to a question that took longer than this is called off when another comes. */
const PATIENCE_MS = 300;

export interface Followed<Q, A> {
  question: Q;
  answer: A | null;
  error: unknown;
}

interface Options<Q, A> {
  ask: (question: Q, signal: AbortSignal) => Promise<A>;
  /** Told of each answer and each failure; not of what was called off. */
  tell: (followed: Followed<Q, A>) => void;
  /** Whether an answer to the one is worth waiting for when the other is wanted. */
  areKin: (a: Q, b: Q) => boolean;
  /** Runs something at the next frame; its answer takes that back. */
  frame?: (run: () => void) => () => void;
  now?: () => number;
}

function animationFrame(run: () => void) {
  const id = requestAnimationFrame(run);
  return () => cancelAnimationFrame(id);
}

export class Follower<Q, A> {
  private readonly options: Required<Options<Q, A>>;
  private wanted: { question: Q } | null = null;
  private running: { question: Q; since: number; control: AbortController } | null = null;
  private unschedule: (() => void) | null = null;

  constructor(options: Options<Q, A>) {
    this.options = { frame: animationFrame, now: () => performance.now(), ...options };
  }

  want(question: Q) {
    const { areKin, frame, now } = this.options;
    this.wanted = { question };
    const running = this.running;
    if (running && (!areKin(running.question, question) || now() - running.since > PATIENCE_MS)) {
      running.control.abort();
      this.running = null;
    }
    this.unschedule ??= frame(() => {
      this.unschedule = null;
      this.next();
    });
  }

  /** Nothing is told any more. */
  stop() {
    this.unschedule?.();
    this.unschedule = null;
    this.wanted = null;
    this.running?.control.abort();
    this.running = null;
  }

  private next() {
    if (this.running || !this.wanted) return;
    const run = { question: this.wanted.question, since: this.options.now(), control: new AbortController() };
    this.wanted = null;
    this.running = run;
    const end = (answer: A | null, error: unknown) => {
      if (run.control.signal.aborted) return;
      this.running = null;
      this.options.tell({ question: run.question, answer, error });
      this.next();
    };
    this.options.ask(run.question, run.control.signal).then(
      answer => end(answer, null),
      (error: unknown) => end(null, error),
    );
  }
}
