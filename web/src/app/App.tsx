// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { Suspense, useEffect } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { sessionQuery } from '../api/queries';
import { Loading, ProblemNote } from '../components/Notes';
import { PageBoundary } from './PageBoundary';
import { HOME, pages } from './pages';
import { Shell } from './Shell';
import { SignIn } from './SignIn';
import { useEvents } from './events';

/** A new page has its own title, and starts at the top. */
function useTitle(path: string) {
  useEffect(() => {
    const entry = pages.find(p => path.startsWith(p.path));
    document.title = entry ? `${entry.title} - Lathe` : 'Lathe';
    window.scrollTo(0, 0);
  }, [path]);
}

export function App() {
  const session = useQuery(sessionQuery);
  const connection = useEvents(session.data != null);
  const [path] = useLocation();
  useTitle(path);
  if (session.isPending) return <Loading what="the session" />;
  // A server that is away for a while takes nothing off the page.
  if (session.data === undefined)
    return (
      <main className="lone">
        <ProblemNote error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  if (session.data === null) return <SignIn />;
  return (
    <Shell session={session.data} connection={connection}>
      <PageBoundary connection={connection} path={path}>
        <Suspense fallback={<Loading what="the page" />}>
          <Switch>
            {pages.map(page => (
              <Route key={page.path} path={page.path} component={page.component} />
            ))}
            <Route path="/">
              <Redirect to={HOME} replace />
            </Route>
            <Route>
              <h1>There is no such page</h1>
              <p>The navigation shows what there is.</p>
            </Route>
          </Switch>
        </Suspense>
      </PageBoundary>
    </Shell>
  );
}
