// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useSyncExternalStore } from 'react';
import { ago, dateTime } from './format';

const EVERY_MS = 10_000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

/* One clock for all times of the page. */
function subscribe(tell: () => void) {
  listeners.add(tell);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, EVERY_MS);
  return () => {
    listeners.delete(tell);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** "3 min ago", with the exact time as its title. @param at as the server gives it (RFC 3339); null: never. */
export function Time({ at }: { at: string | null }) {
  const time = useSyncExternalStore(subscribe, () => now);
  if (at === null) return <span className="dim">never</span>;
  const ms = Date.parse(at);
  return (
    <time dateTime={at} title={dateTime(ms)}>
      {ago(Math.max(time, now) - ms)}
    </time>
  );
}
