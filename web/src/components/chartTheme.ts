// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Colours of charts, from the custom properties of styles/tokens.css. */
import { useState } from 'react';
import { useIsDark } from '../app/theme';

export interface ChartColours {
  text: string;
  dim: string;
  line: string;
  surface: string;
  accent: string;
  good: string;
  bad: string;
  warn: string;
  /** For several series; told apart by people who see few colours. */
  series: string[];
}

function readColours(): ChartColours {
  const style = getComputedStyle(document.documentElement);
  const get = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: get('--text'),
    dim: get('--dim'),
    line: get('--line'),
    surface: get('--surface'),
    accent: get('--accent'),
    good: get('--good'),
    bad: get('--bad'),
    warn: get('--warn'),
    series: [1, 2, 3, 4, 5, 6].map(n => get(`--series-${n}`)),
  };
}

/** Read anew when the scheme changes. */
export function useChartColours(): ChartColours {
  const dark = useIsDark();
  const [read, setRead] = useState(() => ({ dark, colours: readColours() }));
  if (read.dark !== dark) setRead({ dark, colours: readColours() });
  return read.colours;
}
