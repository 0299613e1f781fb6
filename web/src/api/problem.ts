// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What a problem+json answer says (RFC 9457). status 0: the server did not answer. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  /** The field at fault, e.g. "destination"; null where none is named. */
  readonly field: string | null;
  /** The line at fault of what was sent; null where none is named. */
  readonly line: number | null;
  /** Everything that the answer held. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(body: { status: number; title: string; detail: string; [more: string]: unknown }) {
    super(body.detail);
    this.name = 'Problem';
    this.status = body.status;
    this.title = body.title;
    this.field = typeof body['field'] === 'string' ? body['field'] : null;
    this.line = typeof body['line'] === 'number' ? body['line'] : null;
    this.body = body;
  }

  static of(response: Response, body: unknown): Problem {
    const given = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    const text = (name: string) => (typeof given[name] === 'string' ? given[name] : undefined);
    return new Problem({
      ...given,
      status: response.status,
      title: text('title') ?? response.statusText,
      detail: text('detail') ?? `The server answered ${response.status} ${response.statusText}.`,
    });
  }
}

/** Whether asking again may help: no answer, or the server's own trouble. */
export function isPassing(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status >= 500);
}
