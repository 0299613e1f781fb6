// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The client of the REST API, typed by /openapi.json. Signing in sets a cookie; nothing here holds a token. */
import createClient from 'openapi-fetch';
import type { paths } from './schema';
import { Problem } from './problem';

export const api = createClient<paths>({ baseUrl: '/' });

interface Reply<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What a call answered; a refusal is thrown as a Problem, and so is a server that can't be reached. */
export async function answer<T>(call: Promise<Reply<T>>): Promise<T> {
  let reply: Reply<T>;
  try {
    reply = await call;
  } catch {
    throw new Problem({ status: 0, title: 'No answer', detail: 'The server cannot be reached. Is lathed running?' });
  }
  if (!reply.response.ok) throw Problem.of(reply.response, reply.error);
  return reply.data as T;
}

interface Page<T> {
  items: T[];
  next: string | null;
}

/** All items of a paged list, in the server's order. @param get asks for one page; cursor undefined: the first. */
export async function everyPage<T>(get: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await get(cursor);
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return items;
}
