// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Names of devices, agents, tokens: the server's rule. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const LENGTH_MOST = 64;

/** What is wrong with a name; undefined: nothing. @param what it names: "device". @param taken names that are in use. */
export function nameError(name: string, what: string, taken: readonly string[] = []): string | undefined {
  if (name === '') return 'It needs a name.';
  if (name.length > LENGTH_MOST) return `At most ${LENGTH_MOST} characters.`;
  if (!NAME.test(name)) return 'Letters, digits and . _ - only, and neither . nor - first.';
  if (taken.includes(name)) return `There is a ${what} ${name} already.`;
  return undefined;
}
