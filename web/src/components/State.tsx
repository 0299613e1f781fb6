// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** A state as a word with a coloured dot: colour never stands alone. */
export type Tone = 'good' | 'busy' | 'bad' | 'idle';

export function State({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className="state" data-tone={tone}>
      {children}
    </span>
  );
}
