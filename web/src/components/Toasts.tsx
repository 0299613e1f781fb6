// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Short messages at the edge of the page: toast('Copied'), toastProblem(error). Problems stay until they are closed. */
import { useEffect, useSyncExternalStore } from 'react';
import { problemText } from './Notes';

const SHOWN_MS = 5000;

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]) {
  toasts = next;
  for (const tell of listeners) tell();
}

export function toast(text: string) {
  set([...toasts, { id: nextId++, text, bad: false }]);
}

export function toastProblem(error: unknown) {
  set([...toasts, { id: nextId++, text: problemText(error), bad: true }]);
}

function close(id: number) {
  set(toasts.filter(t => t.id !== id));
}

function ToastItem({ item }: { item: Toast }) {
  useEffect(() => {
    if (item.bad) return;
    const timer = setTimeout(() => close(item.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [item]);
  return (
    <li data-bad={item.bad}>
      <span>{item.text}</span>
      <button type="button" className="quiet" aria-label="Close this message" onClick={() => close(item.id)}>
        ×
      </button>
    </li>
  );
}

/** Once in the page. */
export function Toasts() {
  const list = useSyncExternalStore(
    tell => {
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
    () => toasts,
  );
  return (
    <ul className="toasts" aria-live="polite" aria-label="Messages">
      {list.map(item => (
        <ToastItem key={item.id} item={item} />
      ))}
    </ul>
  );
}
