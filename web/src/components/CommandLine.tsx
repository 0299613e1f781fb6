// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { CopyButton } from './CopyButton';

/** Lines for a shell, with a button that copies them. @param what names them: "the agent's command". */
export function CommandLine({ text, what }: { text: string; what: string }) {
  return (
    <div className="command">
      {/* It scrolls sideways, so the keyboard must reach it. */}
      <pre tabIndex={0} aria-label={what}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}
