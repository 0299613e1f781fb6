// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useSyncExternalStore } from 'react';

const query = window.matchMedia('(max-width: 640px)');

/** A screen of a phone's width, as the style sheets have it. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    tell => {
      query.addEventListener('change', tell);
      return () => query.removeEventListener('change', tell);
    },
    () => query.matches,
  );
}
