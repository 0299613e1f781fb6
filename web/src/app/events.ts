// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Keeps what was asked for fresh by /v1/events: nothing on this page polls. */
import { useEffect, useState } from 'react';
import type { Query, QueryClient } from '@tanstack/react-query';
import { useQueryClient } from '@tanstack/react-query';
import { sessionQuery } from '../api/queries';

export const TOPICS = [
  'device',
  'profile',
  'measurement',
  'clean',
  'table',
  'predictor',
  'space',
  'agent',
  'run',
] as const;
export type Topic = (typeof TOPICS)[number];

const RETRY_MS = 2000;
const RETRY_MOST_MS = 30_000;

export interface Change {
  action: 'changed' | 'removed';
  id: string;
  resource: Record<string, unknown> | null;
}

/** The id by which events name a resource of a topic. */
export function idOf(topic: Topic, resource: Record<string, unknown>): string {
  if (topic === 'device' || topic === 'agent') return String(resource['name']);
  if (topic === 'table') return `${String(resource['device'])}/${String(resource['config'])}`;
  return String(resource['id']);
}

/** Topics whose lists are oldest first: a new one is the last. */
const OLDEST_FIRST: readonly Topic[] = ['profile', 'measurement', 'clean'];

/** Whether something has come to its end, or has no states to go through. */
function isAtRest(resource: Record<string, unknown> | null): boolean {
  return resource?.['state'] !== 'queued' && resource?.['state'] !== 'running';
}

/** What a list is of: the fields of its key's third part, `{ device: 'pi4' }`; all of the topic without. */
function belongs(of: unknown, resource: Record<string, unknown>): boolean {
  return Object.entries(of ?? {}).every(([name, value]) => resource[name] === value);
}

/** What lists leave out, though it is a resource: the measuring of a night, which its run tells of. */
function isUnlisted(topic: Topic, resource: Record<string, unknown>): boolean {
  return topic === 'profile' && resource['mode'] === 'night';
}

/** A list with one change worked in; undefined where the list must be asked for anew, since only the server knows where
 *  a new one belongs. @param of third part of the list's key. */
export function changeList(topic: Topic, list: Record<string, unknown>[], change: Change, of?: unknown) {
  const at = list.findIndex(item => idOf(topic, item) === change.id);
  if (change.action === 'removed') return at < 0 ? list : list.filter((_, i) => i !== at);
  if (!change.resource) return undefined;
  if (at >= 0) return list.map((item, i) => (i === at ? change.resource : item));
  if (isUnlisted(topic, change.resource) || !belongs(of, change.resource)) return list;
  return OLDEST_FIRST.includes(topic) ? [...list, change.resource] : undefined;
}

/** Queries that are asked once more when the answer that is under way is there. */
const following = new WeakSet<Query>();

/** An answer that is under way may be older than a change. It is not started again, since changes that come faster than
 *  answers would never let one through, but followed by another. @return whether one is under way. */
function followAnswer(client: QueryClient, query: Query): boolean {
  if (query.state.fetchStatus !== 'fetching' || !query.promise) return false;
  if (following.has(query)) return true;
  following.add(query);
  const again = () => {
    following.delete(query);
    void client.invalidateQueries({ queryKey: query.queryKey, exact: true });
  };
  query.promise.then(again, again);
  return true;
}

/** Work one event into everything that was asked for. */
export function applyChange(client: QueryClient, topic: Topic, change: Change) {
  const queries = client.getQueryCache();
  const askAnew = (query: Query) => {
    if (!followAnswer(client, query)) void client.invalidateQueries({ queryKey: query.queryKey, exact: true });
  };
  const one = [topic, 'one', change.id];
  if (change.action === 'removed') client.removeQueries({ queryKey: one });
  for (const query of queries.findAll({ queryKey: one })) {
    if (!change.resource) askAnew(query);
    else {
      followAnswer(client, query);
      if (query.state.data !== undefined) client.setQueryData(one, change.resource);
    }
  }
  for (const query of queries.findAll({ queryKey: [topic, 'list'] })) {
    const list = query.state.data as Record<string, unknown>[] | undefined;
    const changed = list && changeList(topic, list, change, query.queryKey[2]);
    if (!changed) askAnew(query);
    else if (changed !== list) {
      followAnswer(client, query);
      client.setQueryData(query.queryKey, changed);
    }
  }
  for (const query of queries.findAll({ queryKey: [topic, 'of', change.id] })) askAnew(query);
  if (isAtRest(change.resource)) for (const query of queries.findAll({ queryKey: [topic, 'ended'] })) askAnew(query);
}

/** 'live', or 'waiting' while there is no connection (the browser tries again by itself). */
export type Connection = 'live' | 'waiting';

/** Listen while signed in. A hidden tab lets its connection go, since browsers allow six a server, and catches up from
 *  the last event that it had when it is looked at again. */
export function useEvents(signedIn: boolean): Connection {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>('waiting');
  useEffect(() => {
    if (!signedIn) return;
    let source: EventSource | null = null;
    let last = '';
    let wait = RETRY_MS;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = () => {
      if (document.hidden) close();
      else if (!source) open();
    };
    const noteId = (event: MessageEvent) => {
      if (event.lastEventId) last = event.lastEventId;
    };
    const open = () => {
      source = new EventSource(last ? `/v1/events?last_event_id=${encodeURIComponent(last)}` : '/v1/events');
      source.onopen = () => {
        setConnection('live');
        wait = RETRY_MS;
        // What changed between an answer and the first connection was told to nobody.
        if (!last) void client.invalidateQueries({ predicate: query => TOPICS.includes(query.queryKey[0] as Topic) });
      };
      source.onerror = () => {
        setConnection('waiting');
        // After an answer that is no stream of events, such as 401 or a proxy's 502, browsers give up.
        if (source?.readyState !== EventSource.CLOSED) return;
        source = null;
        timer = setTimeout(follow, wait);
        wait = Math.min(2 * wait, RETRY_MOST_MS);
        void client.invalidateQueries(sessionQuery);
      };
      source.addEventListener('reset', event => {
        noteId(event);
        void client.invalidateQueries();
      });
      for (const topic of TOPICS)
        source.addEventListener(topic, event => {
          noteId(event);
          applyChange(client, topic, JSON.parse(String(event.data)) as Change);
        });
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = null;
      setConnection('waiting');
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      close();
    };
  }, [signedIn, client]);
  return connection;
}
