// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { Component } from 'react';
import type { ReactNode } from 'react';
import type { Connection } from './events';

interface Props {
  connection: Connection;
  /** Where the page is: another place, another try. */
  path: string;
  children: ReactNode;
}

/** Keeps the frame when a page fails, as when its script can't be loaded because the server is away or is a newer one.
 *  The browser remembers a script that failed, so that the way on is to load all anew: by itself as soon as the server is
 *  back, else at a click. */
export class PageBoundary extends Component<Props, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidUpdate(before: Props) {
    if (this.state.error === null) return;
    if (before.path !== this.props.path) this.setState({ error: null });
    else if (before.connection === 'waiting' && this.props.connection === 'live') window.location.reload();
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    if (this.props.connection === 'waiting')
      return (
        <div className="problem" role="alert">
          <p>The server cannot be reached. This page is loaded as soon as it is back.</p>
        </div>
      );
    return (
      <div className="problem" role="alert">
        <p>This page cannot be shown: {error instanceof Error ? error.message : String(error)}</p>
        <button type="button" onClick={() => window.location.reload()}>
          Load it anew
        </button>
      </div>
    );
  }
}
