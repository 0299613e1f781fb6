// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Keeps what was asked for fresh by /v1/events: nothing on this page polls. */
import { useEffect, useState } from 'react';
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { useQueryClient } from '@tanstack/react-query';
import { sessionQuery } from '../api/queries';

export const TOPICS = ['device', 'profile', 'measurement', 'clean', 'table', 'predictor', 'space', 'agent'] as const;
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

/** A list with one change worked in; undefined where the list must be asked for anew, since only the server knows where
 *  a new one belongs. */
export function changeList(topic: Topic, list: Record<string, unknown>[], change: Change) {
  const at = list.findIndex(item => idOf(topic, item) === change.id);
  if (change.action === 'removed') return list.filter((_, i) => i !== at);
  if (at < 0 || !change.resource) return undefined;
  return list.map((item, i) => (i === at ? change.resource : item));
}

/** Ask anew for all whose keys begin so. An answer that is on its way may be older than the event: it is waited for, and
 *  asked for once more, however many events came meanwhile. */
function askAnew(client: QueryClient, key: QueryKey) {
  for (const query of client.getQueryCache().findAll({ queryKey: key })) {
    const ask = () => client.invalidateQueries({ queryKey: query.queryKey, exact: true }, { cancelRefetch: false });
    if (query.state.fetchStatus === 'fetching' && query.promise) void query.promise.then(ask, ask);
    else void ask();
  }
}

/** Work one event into everything that was asked for. */
export function applyChange(client: QueryClient, topic: Topic, change: Change) {
  const isOnItsWay = (key: QueryKey) => client.getQueryState(key)?.fetchStatus === 'fetching';
  const one = [topic, 'one', change.id];
  if (change.action === 'removed') client.removeQueries({ queryKey: one });
  else if (change.resource && !isOnItsWay(one))
    client.setQueryData(one, old => (old === undefined ? undefined : change.resource));
  else askAnew(client, one);
  for (const [key, list] of client.getQueriesData<Record<string, unknown>[]>({ queryKey: [topic, 'list'] })) {
    const changed = list && !isOnItsWay(key) ? changeList(topic, list, change) : undefined;
    if (changed) client.setQueryData(key, changed);
    else askAnew(client, key);
  }
  askAnew(client, [topic, 'of', change.id]);
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
