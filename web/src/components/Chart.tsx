// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useRef, useState } from 'react';
import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import type { ChartColours } from './chartTheme';
import { useChartColours } from './chartTheme';
import { ProblemNote } from './Notes';

function common(colours: ChartColours, still: boolean): EChartsCoreOption {
  return {
    color: colours.series,
    animation: !still,
    animationDuration: 200,
    textStyle: { color: colours.text, fontFamily: 'inherit' },
    // The content security policy forbids the inline styles that HTML tooltips have.
    tooltip: {
      renderMode: 'richText',
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.text },
    },
  };
}

function merge(base: EChartsCoreOption, own: EChartsCoreOption): EChartsCoreOption {
  const tooltip = own['tooltip'];
  return { ...base, ...own, tooltip: tooltip ? { ...(base['tooltip'] as object), ...(tooltip as object) } : undefined };
}

export interface ChartClick {
  seriesIndex: number;
  dataIndex: number;
}

/** A chart of ECharts (parts: echarts.ts), in the page's colours, as wide as its place.
 *  @param option builds the option from the colours; a new function draws anew, so keep it in useCallback or useMemo.
 *  @param label says what the chart shows, for those who do not see it. Figures must be on the page as text, too.
 *  @param height in CSS pixels.
 *  @param onClick a click on a point. */
export function Chart(props: {
  option: (colours: ChartColours) => EChartsCoreOption;
  label: string;
  height: number;
  onClick?: (click: ChartClick) => void;
}) {
  const { option, onClick } = props;
  const place = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<EChartsType | null>(null);
  const [error, setError] = useState<unknown>(null);
  const colours = useChartColours();

  useEffect(() => {
    let made: EChartsType | null = null;
    let gone = false;
    const observer = new ResizeObserver(() => made?.resize());
    import('./echarts').then(
      ({ init }) => {
        if (gone || !place.current) return;
        made = init(place.current, null, { renderer: 'canvas' });
        observer.observe(place.current);
        setChart(made);
      },
      (e: unknown) => setError(e),
    );
    return () => {
      gone = true;
      observer.disconnect();
      made?.dispose();
      setChart(null);
    };
  }, []);

  useEffect(() => {
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    chart?.setOption(merge(common(colours, still), option(colours)), { notMerge: true });
  }, [chart, option, colours]);

  useEffect(() => {
    if (!chart || !onClick) return;
    const tell = (event: { seriesIndex?: number; dataIndex: number }) =>
      onClick({ seriesIndex: event.seriesIndex ?? 0, dataIndex: event.dataIndex });
    chart.on('click', tell);
    return () => {
      if (!chart.isDisposed()) chart.off('click', tell);
    };
  }, [chart, onClick]);

  if (error !== null) return <ProblemNote error={error} />;
  return <div ref={place} className="chart" role="img" aria-label={props.label} style={{ height: props.height }} />;
}
