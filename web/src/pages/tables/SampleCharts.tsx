// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback, useMemo } from 'react';
import { Chart } from '../../components/Chart';
import type { ChartColours } from '../../components/chartTheme';
import { count, ms } from '../../components/format';
import { useUnit } from '../../components/unit';
import type { Row } from './csv';
import { histogram, jitter } from './histogram';
import type { SampleVisit } from './queries';

const STRIP_PX = 20;
const MOST_STRIPS = 12;

interface Point {
  ms: number;
  subnet: number;
  visit: string;
  basis: 'wall' | 'cpu';
}

interface Gathered {
  points: Point[];
  subnets: string[];
  leftOut: number;
  cpu: number;
  preempted: number;
}

/** Samples by the network around the layer, in the order of the networks' first visits. */
export function gather(visits: SampleVisit[]): Gathered {
  const subnets = [...new Set(visits.map(v => v.subnet ?? 'alone'))];
  const index = new Map(subnets.map((s, i) => [s, i]));
  const found: Gathered = { points: [], subnets, leftOut: 0, cpu: 0, preempted: 0 };
  for (const visit of visits)
    for (const sample of visit.samples) {
      if (sample.preempted > 0) found.preempted++;
      if (sample.latency_ms === null || sample.basis === 'left_out') {
        found.leftOut++;
        continue;
      }
      if (sample.basis === 'cpu') found.cpu++;
      const subnet = index.get(visit.subnet ?? 'alone') ?? 0;
      found.points.push({ ms: sample.latency_ms, subnet, visit: visit.source, basis: sample.basis });
    }
  return found;
}

/* Few values for an axis: 0.0345 rather than 0.034499999. */
const axisMs = (value: number) => String(Number(value.toPrecision(4)));

function optionOf(colours: ChartColours, found: Gathered, row: Row | undefined, unit: string) {
  const bins = histogram(found.points.map(p => p.ms));
  const strips = Math.min(found.subnets.length, MOST_STRIPS);
  const marks = row && {
    silent: true,
    symbol: 'none',
    precision: 12,
    label: { show: false },
    lineStyle: { color: colours.text, type: 'solid', width: 1 },
    data: [
      { xAxis: row.latency },
      ...(row.ci === null
        ? []
        : [row.latency - row.ci, row.latency + row.ci].map(x => ({ xAxis: x, lineStyle: { type: 'dashed' } }))),
    ],
  };
  const bar = (bins?.width ?? 0) / 2;
  return {
    grid: [
      { left: 44, right: 12, top: 8, height: 110 },
      { left: 44, right: 12, top: 132, height: (strips + 1) * STRIP_PX },
    ],
    xAxis: [0, 1].map(grid => ({
      type: 'value',
      gridIndex: grid,
      axisLine: { onZero: false },
      containShape: false, // the bars' axis would be longer than the other's
      scale: true,
      min: bins ? bins.from - bins.width : undefined,
      max: bins ? bins.from + bins.width * (bins.counts.length + 1) : undefined,
      axisLabel: { show: grid === 1, formatter: axisMs, hideOverlap: true, showMinLabel: false, showMaxLabel: false },
      name: grid === 1 ? unit : '',
      nameLocation: 'middle',
      nameGap: 26,
    })),
    yAxis: [
      { type: 'value', gridIndex: 0, minInterval: 1, splitNumber: 3 },
      {
        type: 'value',
        gridIndex: 1,
        min: -1,
        max: strips,
        inverse: true,
        interval: 1,
        axisLabel: { formatter: (v: number) => (v >= 0 && v < strips ? `#${v + 1}` : '') },
        axisTick: { show: false },
        splitLine: { show: false },
      },
    ],
    tooltip: {
      formatter: (at: { seriesIndex: number; dataIndex: number; value: number[] }) => {
        if (at.seriesIndex === 0)
          return `${at.value[1]} samples\n${ms((at.value[0] ?? 0) - bar)} to ${ms((at.value[0] ?? 0) + bar)} ${unit}`;
        const point = found.points.filter(p => p.subnet < MOST_STRIPS)[at.dataIndex];
        if (!point) return '';
        return `${ms(point.ms)} ${unit}\nnetwork ${found.subnets[point.subnet]}\nvisit ${point.visit}${point.basis === 'cpu' ? '\nby CPU time' : ''}`;
      },
    },
    series: [
      {
        type: 'bar',
        xAxisIndex: 0,
        yAxisIndex: 0,
        barWidth: '96%',
        data: bins?.counts.map((n, i) => [bins.from + (i + 0.5) * bins.width, n]),
        itemStyle: { color: colours.series[0], opacity: 0.75 },
        markLine: marks,
      },
      {
        type: 'scatter',
        xAxisIndex: 1,
        yAxisIndex: 1,
        symbolSize: 5,
        itemStyle: { opacity: 0.75 },
        data: found.points
          .filter(p => p.subnet < MOST_STRIPS)
          .map((p, i) => ({
            value: [p.ms, p.subnet + jitter(i)],
            itemStyle: { color: p.basis === 'cpu' ? colours.series[1] : colours.series[0] },
          })),
        markLine: marks,
      },
    ],
  };
}

/** A row's samples: their distribution, and beneath it a strip for each network that the layer was in. */
export function SampleCharts({ visits, row }: { visits: SampleVisit[]; row: Row | undefined }) {
  const found = useMemo(() => gather(visits), [visits]);
  const unit = useUnit();
  const option = useCallback((colours: ChartColours) => optionOf(colours, found, row, unit), [found, row, unit]);
  const strips = Math.min(found.subnets.length, MOST_STRIPS);
  const more = found.subnets.length - strips;
  return (
    <>
      <Chart
        option={option}
        label={`Distribution of ${found.points.length} samples, and the same by the network around the layer`}
        height={132 + (strips + 1) * STRIP_PX + 44}
      />
      <p className="dim">
        {count(found.points.length)} samples from {count(visits.length)} visits; a strip is a network that the layer was
        in{more > 0 && ` (${more} more are not drawn)`}. Lines: the row’s latency and its 95 % interval.
        {found.leftOut > 0 && ` ${count(found.leftOut)} were left out as disturbed.`}
        {found.cpu > 0 && ` ${count(found.cpu)} count by CPU time, the core having been taken away (second colour).`}
        {found.preempted > 0 && ` ${count(found.preempted)} were preempted.`}
      </p>
    </>
  );
}
