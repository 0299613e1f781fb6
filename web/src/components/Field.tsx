// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useId } from 'react';
import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes } from 'react';

interface Words {
  label: string;
  /** What is expected, shown below. */
  help?: ReactNode;
  /** What is wrong with it; null or absent: nothing. */
  error?: string | null;
}

function Frame(props: Words & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={props.id}>{props.label}</label>
      {props.children}
      {props.help && (
        <p id={`${props.id}-help`} className="help">
          {props.help}
        </p>
      )}
      <p id={`${props.id}-error`} className="field-error" aria-live="polite">
        {props.error}
      </p>
    </div>
  );
}

function described(id: string, words: Words) {
  return {
    id,
    'aria-invalid': words.error ? true : undefined,
    'aria-describedby':
      [words.help && `${id}-help`, words.error && `${id}-error`].filter(Boolean).join(' ') || undefined,
  };
}

type InputProps = Words & { onChange: (value: string) => void } & Omit<
    InputHTMLAttributes<HTMLInputElement>,
    'onChange'
  >;

/** A labelled input. Further attributes go to the input. */
export function Field({ label, help, error, onChange, ...input }: InputProps) {
  const id = useId();
  const words = { label, help, error: error ?? null };
  return (
    <Frame id={id} {...words}>
      <input {...described(id, words)} {...input} onChange={e => onChange(e.target.value)} />
    </Frame>
  );
}

type SelectProps = Words & { onChange: (value: string) => void } & Omit<
    SelectHTMLAttributes<HTMLSelectElement>,
    'onChange'
  >;

/** A labelled choice; its options are children. */
export function SelectField({ label, help, error, onChange, children, ...select }: SelectProps) {
  const id = useId();
  const words = { label, help, error: error ?? null };
  return (
    <Frame id={id} {...words}>
      <select {...described(id, words)} {...select} onChange={e => onChange(e.target.value)}>
        {children}
      </select>
    </Frame>
  );
}
