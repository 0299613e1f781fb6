// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Names for what calls answer and take, by path, so that they follow /openapi.json whatever its schemas are called. */
import type { paths } from './schema';

type Method = 'get' | 'post' | 'patch' | 'put';
type Json<C> = C extends { content: { 'application/json': infer T } } ? T : never;
type Replies<P extends keyof paths, M extends Method> = paths[P][M] extends { responses: infer R } ? R : never;
type Success<R> = { [S in keyof R]: S extends 200 | 201 | 202 ? Json<R[S]> : never }[keyof R];

/** What a call answers when it goes well. */
export type Answer<P extends keyof paths, M extends Method = 'get'> = Success<Replies<P, M>>;
/** What a call takes as its body. */
export type Body<P extends keyof paths, M extends Method> = paths[P][M] extends { requestBody?: infer B }
  ? Json<NonNullable<B>>
  : never;

export type Session = Answer<'/v1/session'>;
export type Device = Answer<'/v1/devices/{device}'>;
export type Profile = Answer<'/v1/profiles/{id}'>;
export type Agent = Answer<'/v1/agents'>['items'][number];
export type Network = Answer<'/v1/networks'>['items'][number];
export type Space = Answer<'/v1/spaces'>['items'][number];
export type Token = Answer<'/v1/tokens'>['items'][number];
export type TableSummary = Answer<'/v1/tables'>['items'][number];
export type Run = Answer<'/v1/runs/{id}'>;
export type Shipped = Answer<'/v1/shipped'>['items'][number];
export type Nights = Answer<'/v1/tables/{device}/{config}/nights'>;
