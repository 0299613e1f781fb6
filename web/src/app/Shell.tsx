// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useLocation } from 'wouter';
import { answer, api } from '../api/client';
import { sessionQuery } from '../api/queries';
import type { Session } from '../api/types';
import { toastProblem } from '../components/Toasts';
import type { Connection } from './events';
import { pages } from './pages';
import type { Theme } from './theme';
import { setTheme, useTheme } from './theme';

function ThemeSwitch() {
  const theme = useTheme();
  return (
    <label className="theme-switch">
      <span className="visually-hidden">Colours</span>
      <select value={theme} onChange={e => setTheme(e.target.value as Theme)}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}

function Navigation({ session }: { session: Session }) {
  const [path] = useLocation();
  return (
    <nav aria-label="Pages">
      {pages
        .filter(page => page.nav && (page.role === undefined || page.role === session.role))
        .map(page => (
          <Link key={page.path} href={page.path} aria-current={path.startsWith(page.path) ? 'page' : undefined}>
            {page.title}
          </Link>
        ))}
    </nav>
  );
}

function SignOut({ session }: { session: Session }) {
  const client = useQueryClient();
  const signOut = async () => {
    try {
      await answer(api.DELETE('/v1/session'));
      client.setQueryData(sessionQuery.queryKey, null);
      // What was shown to one person is not kept for the next.
      client.removeQueries({ predicate: query => query.queryKey[0] !== sessionQuery.queryKey[0] });
    } catch (error) {
      toastProblem(error);
    }
  };
  return (
    <span className="who">
      <span className="who-name" title={`Role: ${session.role}`}>
        {session.name}
      </span>
      <button type="button" className="quiet" onClick={() => void signOut()}>
        Sign out
      </button>
    </span>
  );
}

/** The frame of every page: navigation, who is signed in, and whether what is shown is live. */
export function Shell(props: { session: Session; connection: Connection; children: ReactNode }) {
  const live = props.connection === 'live';
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="top">
        <Link href="/" className="brand">
          Lathe
        </Link>
        <Navigation session={props.session} />
        <div className="top-end">
          <span
            className="live"
            data-live={live}
            role="status"
            title={live ? 'Changes show at once' : 'Connecting anew'}
          >
            {live ? 'Live' : 'Waiting'}
          </span>
          <ThemeSwitch />
          <SignOut session={props.session} />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {props.children}
      </main>
    </>
  );
}
