// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useId, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import { ProblemNote } from './Notes';

/** A modal native dialog: it keeps the focus, Escape closes it. Mount it to open it. */
export function Dialog(props: { title: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={props.onClose}>
      <h2 id={id}>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

/** Asks before something is done that can't be taken back. Stays open, and says why, when it fails.
 *  @param action what the button does, as its words: "Remove pi4".
 *  @param children what goes with it. */
export function ConfirmDialog(props: {
  title: string;
  action: string;
  run: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async () => {
    setBusy(true);
    try {
      await props.run();
      props.onClose();
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      {props.children}
      {error !== null && <ProblemNote error={error} />}
      <div className="actions">
        <button type="button" onClick={props.onClose}>
          Cancel
        </button>
        <button type="button" className="danger" disabled={busy} onClick={() => void run()}>
          {props.action}
        </button>
      </div>
    </Dialog>
  );
}
