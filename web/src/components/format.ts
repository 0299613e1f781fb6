// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Numbers and times as text. Unknown (null) is an en dash everywhere. Digits do not depend on the browser's language,
 *  so that what is read off the page can be typed into a shell. */
const UNKNOWN = '–';

type Maybe = number | null | undefined;

/** With a fixed number of decimals. */
export function fixed(value: Maybe, decimals: number): string {
  return value == null || !Number.isFinite(value) ? UNKNOWN : value.toFixed(decimals);
}

/** Milliseconds with four significant digits, at most four decimals: 0.0123, 1.235, 45.20, 1234. */
export function ms(value: Maybe): string {
  if (value == null || !Number.isFinite(value)) return UNKNOWN;
  const size = Math.abs(value);
  return value.toFixed(size < 1 ? 4 : size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0);
}

/** A share as percent: 0.0123 is "1.2 %". */
export function percent(share: Maybe, decimals = 1): string {
  return share == null || !Number.isFinite(share) ? UNKNOWN : `${(share * 100).toFixed(decimals)} %`;
}

/** A count with thin spaces between thousands. */
export function count(value: Maybe): string {
  return value == null ? UNKNOWN : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** Seconds as a length of time: "8 s", "3 min 05 s", "2 h 10 min". */
export function duration(seconds: Maybe): string {
  if (seconds == null || !Number.isFinite(seconds)) return UNKNOWN;
  const s = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`;
}

/** Milliseconds since something: "just now", "40 s ago", "3 min ago", "5 h ago", "12 days ago". */
export function ago(passedMs: number): string {
  const s = Math.floor(passedMs / 1000);
  if (s < 10) return 'just now';
  if (s < 60) return `${Math.floor(s / 10) * 10} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  const days = Math.floor(s / 86400);
  return days === 1 ? '1 day ago' : `${days} days ago`;
}

/** Local date and time: "2026-11-24 18:12:56". */
export function dateTime(atMs: number): string {
  const d = new Date(atMs);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** "812 B", "1.4 KiB", "23.0 MiB", "1.9 GiB". */
export function bytes(value: Maybe): string {
  if (value == null || !Number.isFinite(value)) return UNKNOWN;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}
