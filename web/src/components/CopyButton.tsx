// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { toast, toastProblem } from './Toasts';

/** @param what names what is copied, for the message and for screen readers: "the layer". */
export function CopyButton({ text, what, label = 'Copy' }: { text: string; what: string; label?: string }) {
  const copy = async () => {
    try {
      // Absent where the page came over plain HTTP from another machine.
      if (!navigator.clipboard) throw new Error('This browser lets pages copy over HTTPS and from this machine only.');
      await navigator.clipboard.writeText(text);
      toast(`Copied ${what}`);
    } catch (error) {
      toastProblem(error);
    }
  };
  return (
    <button type="button" className="quiet copy" aria-label={`Copy ${what}`} onClick={() => void copy()}>
      {label}
    </button>
  );
}
