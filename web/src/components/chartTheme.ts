// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Colours of charts, from the custom properties of styles/tokens.css. */
import { useState } from 'react';
import { useIsDark } from '../app/theme';

export interface ChartColours {
  text: string;
  dim: string;
  line: string;
  strong: string;
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
    strong: get('--line-strong'),
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

/** ECharts' theme: what every chart has unless its option says otherwise. */
export function chartTheme(colours: ChartColours) {
  const axis = {
    axisLine: { lineStyle: { color: colours.strong } },
    axisTick: { lineStyle: { color: colours.strong } },
    axisLabel: { color: colours.dim },
    nameTextStyle: { color: colours.dim },
    splitLine: { lineStyle: { color: colours.line } },
  };
  const font = getComputedStyle(document.body).fontFamily;
  return {
    color: colours.series,
    textStyle: { color: colours.text, fontFamily: font },
    categoryAxis: axis,
    valueAxis: axis,
    logAxis: axis,
    timeAxis: axis,
    legend: { textStyle: { color: colours.text }, inactiveColor: colours.dim },
    grid: { left: 48, right: 16, top: 32, bottom: 36 },
    // The content security policy forbids the inline styles that HTML tooltips have.
    tooltip: {
      renderMode: 'richText',
      backgroundColor: colours.surface,
      borderColor: colours.strong,
      textStyle: { color: colours.text, fontFamily: font },
    },
  };
}
