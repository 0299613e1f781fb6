// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The form of a run: text as it is typed, checked by the server's own rules, and made into what the API takes. */
import type { Profile, Run, TableSummary } from '../../api/types';
import { parseConfig } from '../profiles/profileForm';
import type { NewRun } from './queries';

export interface RunForm {
  /** Those that are left out of all devices that can be measured. */
  left: string[];
  configs: string[];
  space: string;
  /** Empty: all of the space. */
  resolutions: number[];
  /** Minutes of each device; '': as long as it takes. */
  budget: string;
  /** A run's id; '': the level accepted last. */
  baseline: string;
  /** Percent. */
  minEffect: string;
  label: string;
}

export type FormErrors = Partial<Record<keyof RunForm, string>>;

const CONFIG = 'xnnpack-f32-t1-b1';
const BUDGET_MIN = '20';
const MIN_EFFECT = '2';
const LABEL_MOST = 200;

/** What the space was profiled at; empty: at none. */
function resolutionsOf(profiles: readonly Profile[], space: string): number[] {
  const all = profiles.filter(p => p.space === space).flatMap(p => p.resolutions);
  return [...new Set(all)].sort((a, b) => a - b);
}

/** What a night is most likely to be of: the same as the last one, else what there are tables of.
 *  @param runs newest first. @param profiles oldest first. */
export function startForm(stock: {
  runs: readonly Run[];
  profiles: readonly Profile[];
  tables: readonly TableSummary[];
  spaces: readonly string[];
}): RunForm {
  const { spaces } = stock;
  const last = stock.runs.find(r => spaces.includes(r.space));
  const profiled = stock.profiles.findLast(p => spaces.includes(p.space));
  const space = last?.space ?? profiled?.space ?? spaces.find(s => s === 'ofa-mbv3-w1.2') ?? spaces[0] ?? '';
  const measured = [...new Set(stock.tables.map(t => t.config))].filter(c => parseConfig(c) !== null).sort();
  return {
    left: [],
    configs: last ? [...new Set(last.targets.map(t => t.config))] : measured.length > 0 ? measured : [CONFIG],
    space,
    resolutions: last?.resolutions ?? resolutionsOf(stock.profiles, space),
    budget: BUDGET_MIN,
    baseline: '',
    minEffect: MIN_EFFECT,
    label: '',
  };
}

/** "a, b" as its parts, without doubles. */
export function splitConfigs(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(part => part !== ''))];
}

function numberError(text: string, least: number, most: number): string | undefined {
  const value = Number(text);
  const good = /^[0-9]+(\.[0-9]+)?$/.test(text) && value >= least && value <= most;
  return good ? undefined : `A number from ${least} to ${most}.`;
}

/** What the server would refuse, by field. @param devices all that can be measured. */
export function formErrors(form: RunForm, devices: readonly string[]): FormErrors {
  const bad = form.configs.find(c => parseConfig(c) === null);
  const errors: FormErrors = {
    left: devices.every(d => form.left.includes(d)) ? 'At least one device.' : undefined,
    configs:
      form.configs.length === 0
        ? 'At least one config.'
        : bad !== undefined
          ? `${bad} is no config: they are like ${CONFIG}.`
          : undefined,
    space: form.space === '' ? 'A space whose layers are measured.' : undefined,
    budget: form.budget === '' ? undefined : numberError(form.budget, 1, 10080),
    minEffect: numberError(form.minEffect, 0, 99),
    label: form.label.length > LABEL_MOST ? `At most ${LABEL_MOST} characters.` : undefined,
  };
  return Object.fromEntries(Object.entries(errors).filter(([, text]) => text !== undefined));
}

const chosen = (form: RunForm, devices: readonly string[]) => devices.filter(d => !form.left.includes(d));

/** @param form without errors. */
export function toRun(form: RunForm, devices: readonly string[]): NewRun {
  return {
    devices: form.left.length === 0 ? 'all' : chosen(form, devices),
    config: form.configs,
    space: form.space,
    ...(form.resolutions.length > 0 && { resolutions: [...form.resolutions].sort((a, b) => a - b) }),
    ...(form.budget !== '' && { budget_s: Number(form.budget) * 60 }),
    ...(form.baseline !== '' && { baseline: form.baseline }),
    // By a power of ten that a float holds: 1.2 % is 0.012, not 0.011999.
    min_effect: Number((Number(form.minEffect) / 100).toPrecision(12)),
    ...(form.label !== '' && { label: form.label }),
  };
}

const quoted = (text: string) => (/^[A-Za-z0-9._,%/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The same as a command. */
export function commandOf(form: RunForm, devices: readonly string[]): string {
  const words = ['lathe', 'nightly', '--devices', form.left.length === 0 ? 'all' : chosen(form, devices).join(',')];
  for (const config of form.configs) words.push('--config', config);
  words.push('--space', form.space || 'SPACE');
  if (form.resolutions.length > 0) words.push('--resolutions', [...form.resolutions].sort((a, b) => a - b).join(','));
  if (form.budget !== '') words.push('--budget', `${form.budget}m`);
  if (form.baseline !== '') words.push('--baseline', form.baseline);
  if (form.minEffect !== MIN_EFFECT) words.push('--min-effect', `${form.minEffect}%`);
  if (form.label !== '') words.push('--label', form.label);
  return words.map(quoted).join(' ');
}
