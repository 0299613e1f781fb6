// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The form of a profile: text as it is typed, checked by the server's own rules, and made into what the API takes. */
import type { Body, Profile } from '../../api/types';

export type NewProfile = Body<'/v1/profiles', 'post'>;

export interface ProfileForm {
  device: string;
  runtime: string;
  dtype: 'f32' | 'int8';
  threads: string;
  batch: string;
  space: string;
  resolutions: number[];
  /** Percent. */
  ci: string;
  /** Minutes; '': none. */
  budget: string;
  heldOut: string;
  calibrate: boolean;
}

export type FormErrors = Partial<Record<keyof ProfileForm, string>>;

export const RUNTIMES = ['xnnpack', 'onednn', 'opencl', 'reference'];

const START: ProfileForm = {
  device: '',
  runtime: 'xnnpack',
  dtype: 'f32',
  threads: '1',
  batch: '1',
  space: '',
  resolutions: [],
  ci: '2',
  budget: '',
  heldOut: '10',
  calibrate: false,
};

export function configOf(form: Pick<ProfileForm, 'runtime' | 'dtype' | 'threads' | 'batch'>): string {
  return `${form.runtime}-${form.dtype}-t${form.threads}-b${form.batch}`;
}

/** @return null where the text is no config that can be measured. */
export function parseConfig(text: string) {
  const match = /^([A-Za-z0-9_][A-Za-z0-9._-]*)-(f32|int8)-t([1-9][0-9]?)-b([1-9][0-9]?)$/.exec(text);
  if (!match || text.length > 64) return null;
  const [, runtime = '', dtype, threads = '', batch = ''] = match;
  return { runtime, dtype: dtype as ProfileForm['dtype'], threads, batch };
}

/** "160,224" */
export function parseResolutions(text: string): number[] {
  return text
    .split(',')
    .map(Number)
    .filter(n => Number.isInteger(n) && n > 0);
}

/** The form as a link has it: /profiles/new?device=&config=&space=&resolutions=160,224&calibrate=true. What is absent has
 *  its default. */
export function fromQuery(query: URLSearchParams): ProfileForm {
  return {
    ...START,
    ...parseConfig(query.get('config') ?? ''),
    device: query.get('device') ?? '',
    space: query.get('space') ?? '',
    resolutions: parseResolutions(query.get('resolutions') ?? ''),
    calibrate: query.get('calibrate') === 'true',
  };
}

function numberError(text: string, least: number, most: number, whole: boolean): string | undefined {
  const good = (whole ? /^[0-9]+$/ : /^[0-9]+(\.[0-9]+)?$/).test(text);
  if (good && Number(text) >= least && Number(text) <= most) return undefined;
  return `${whole ? 'A whole number' : 'A number'} from ${least} to ${most}.`;
}

/** What the server would refuse, by field. */
export function formErrors(form: ProfileForm): FormErrors {
  const errors: FormErrors = {
    device: form.device === '' ? 'A device to measure on.' : undefined,
    runtime: parseConfig(configOf({ ...form, threads: '1', batch: '1' }))
      ? undefined
      : 'Letters, digits and . _ - only, and neither . nor - first.',
    threads: numberError(form.threads, 1, 99, true),
    batch: numberError(form.batch, 1, 99, true),
    space: form.space === '' ? 'A space whose layers are measured.' : undefined,
    resolutions: form.resolutions.length === 0 ? 'At least one resolution.' : undefined,
    ci: numberError(form.ci, 0, 99, false),
    budget: form.budget === '' ? undefined : numberError(form.budget, 0, 10080, false),
    heldOut: numberError(form.heldOut, form.calibrate ? 1 : 0, 100, true),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, text]) => text !== undefined));
}

/** @param form without errors. */
export function toProfile(form: ProfileForm): NewProfile {
  return {
    device: form.device,
    config: configOf(form),
    space: form.space,
    resolutions: [...form.resolutions].sort((a, b) => a - b),
    // By a power of ten that a float holds: 1.2 % is 0.012, not 0.011999.
    ci: Number((Number(form.ci) / 100).toPrecision(12)),
    budget_s: form.budget === '' ? 0 : Number(form.budget) * 60,
    held_out: Number(form.heldOut),
    ...(form.calibrate && { calibrate: true }),
  };
}

/** The request that made a profile: once more it measures what is missing still. @param p no night. */
export function again(p: Profile): NewProfile {
  return {
    device: p.device,
    config: p.config,
    space: p.space,
    resolutions: p.resolutions,
    ...(p.mode !== 'night' && { mode: p.mode }),
    rounds: p.rounds,
    runs: p.runs,
    warmup: p.warmup,
    ci: p.ci,
    budget_s: p.budget_s,
    held_out: p.held_out,
    seed: p.seed,
    ...(p.calibrate && { calibrate: true }),
  };
}

const quoted = (text: string) => (/^[A-Za-z0-9._,%/-]+$/.test(text) ? text : `'${text}'`);

/** The same as a command. */
export function commandOf(form: ProfileForm): string {
  const words = ['lathe', 'profile', form.device || 'DEVICE', '--config', configOf(form)];
  words.push('--space', form.space || 'SPACE');
  if (form.resolutions.length > 0) words.push('--resolutions', toProfile(form).resolutions?.join(',') ?? '');
  if (form.ci !== START.ci) words.push('--ci', `${form.ci}%`);
  if (form.budget !== '') words.push('--budget', `${form.budget}m`);
  if (form.heldOut !== START.heldOut) words.push('--held-out', form.heldOut);
  if (form.calibrate) words.push('--calibrate');
  return [...words.map(quoted), '--wait'].join(' ');
}
