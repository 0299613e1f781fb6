// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { Question } from './question';
import { parseQuestion, printQuestion } from './question';

/** Browsers refuse addresses that change with each move of a slider. */
const SETTLED_MS = 300;

/** A value once it has not changed for a while. @param text compared by value. */
export function useSettled(text: string, after_ms = SETTLED_MS): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), after_ms);
    return () => clearTimeout(timer);
  }, [text, after_ms]);
  return settled;
}

/** The question that the address asks, and what has been changed since.
 *  @return open: the address asks nothing yet, so that defaults may be filled in. */
export function useQuestion() {
  const search = useSearch();
  const [state, setState] = useState(() => ({ from: search, question: parseQuestion(search) }));
  // Another address: a link, or the browser's way back. Our own writing of it says nothing new.
  if (state.from !== search)
    setState({
      from: search,
      question: printQuestion(state.question) === search ? state.question : parseQuestion(search),
    });
  const change = (question: Question) => setState(old => ({ ...old, question }));
  return { given: state.question, open: !state.question.space, change };
}

/** Keeps the address at a question. @param question null: not settled yet. */
export function useAddress(question: Question | null) {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const wanted = question && printQuestion(question);
  useEffect(() => {
    if (wanted === null || wanted === search) return;
    const timer = setTimeout(() => navigate(`${path}?${wanted}`, { replace: true }), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [wanted, search, path, navigate]);
}
