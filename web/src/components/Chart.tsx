// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useRef, useState } from 'react';
import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { chartTheme, useChartColours } from './chartTheme';
import type { ChartColours } from './chartTheme';
import { ProblemNote } from './Notes';

export interface ChartClick {
  seriesIndex: number;
  dataIndex: number;
}

/** A chart of ECharts (parts: echarts.ts), in the page's colours, as wide as its place.
 *  @param option builds the option from the colours; a new function draws anew, so keep it in useCallback or outside.
 *  @param label says what the chart shows, for those who do not see it. Figures must be on the page as text, too.
 *  @param height in CSS pixels.
 *  @param onClick a click on a point; keep it in useCallback. */
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

  // A chart has the colours that it was made with: another scheme, another chart.
  useEffect(() => {
    let made: EChartsType | null = null;
    let gone = false;
    const observer = new ResizeObserver(() => made?.resize());
    import('./echarts').then(
      ({ init }) => {
        if (gone || !place.current) return;
        made = init(place.current, chartTheme(colours), { renderer: 'canvas' });
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
  }, [colours]);

  useEffect(() => {
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    chart?.setOption({ animation: !still, animationDuration: 200, ...option(colours) }, { notMerge: true });
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
