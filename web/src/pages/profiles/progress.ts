// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What a profile's figures say, in words. */
import type { Profile } from '../../api/types';
import { count, duration, percent } from '../../components/format';
import type { Tone } from '../../components/State';

export const tones: Record<Profile['state'], Tone> = {
  queued: 'idle',
  running: 'busy',
  done: 'good',
  failed: 'bad',
  cancelled: 'idle',
};

export function isActive(p: Profile): boolean {
  return p.state === 'queued' || p.state === 'running';
}

/** Whether the same request again would measure something still. Nights are made by runs alone. */
export function canGoOn(p: Profile): boolean {
  if (p.mode === 'night') return false;
  return p.state === 'failed' || p.state === 'cancelled' || (p.state === 'done' && p.stopped_by === 'budget');
}

/** Share that is done; null: not known. One that has ended well is done, whatever its plan was. */
export function shareOf(p: Profile): number | null {
  return p.state === 'done' ? 1 : p.progress;
}

/** How it goes, or went, in one line. */
export function summary(p: Profile): string {
  const rows = `${count(p.rows_done)} of ${count(p.rows_total)} rows`;
  if (p.state === 'queued') return `${rows} are there; it waits for its device`;
  if (p.state === 'running')
    return p.eta_s === null ? `${rows}, time left not known yet` : `${rows}, ${duration(p.eta_s)} left`;
  if (p.state === 'done' && p.visits_total === 0) return 'nothing was missing';
  return p.elapsed_s === null ? rows : `${rows}, in ${duration(p.elapsed_s)}`;
}

/** Why it ended, where that needs words; null: it does not. */
export function ending(p: Profile): string | null {
  if (p.state !== 'done') return null;
  const wide = p.rows_wide ?? 0;
  const stayed = `${count(wide)} row${wide === 1 ? '' : 's'} stayed wider than ± ${percent(p.ci)}`;
  if (p.stopped_by === 'budget')
    return wide > 0 ? `The device time was used up: ${stayed}.` : 'The device time was used up.';
  return wide > 0 && p.ci > 0 ? `Further rounds did not narrow all of them: ${stayed}.` : null;
}

/** What a profile measures: "160, 192 px". */
export function resolutionsText(p: Profile): string {
  return `${p.resolutions.join(', ')} px`;
}
