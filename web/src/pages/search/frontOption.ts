// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** The plot of a front: what ECharts is told. */
import type { EChartsCoreOption } from 'echarts/core';
import type { ChartColours } from '../../components/chartTheme';
import { percent } from '../../components/format';
import type { Cost } from './costs';
import { costText, costUnit, costs } from './costs';
import type { FrontPoint, MeasuredNetwork } from './queries';

/** A subnet that was timed: where it was measured, at the top-1 that is predicted. */
export interface MeasuredSubnet {
  latency_ms: number;
  predicted_ms: number;
  range: readonly [number, number] | null;
  top1: number;
  id: string;
}

export interface FrontPlot {
  axis: Cost;
  /** Within the limits of everything but the axis. */
  points: FrontPoint[];
  /** Of all subnets; empty where that is the same. */
  all: FrontPoint[];
  chosen: { x: number; top1: number } | null;
  limit: number | null;
  minTop1: number | null;
  networks: MeasuredNetwork[];
  measured: MeasuredSubnet[];
}

/** Series, in the order in which they are drawn; clicks name them by index. */
export const SERIES = ['all', 'front', 'ofa', 'networks', 'measured', 'chosen'] as const;

export function isOfa(network: { family: string }): boolean {
  return network.family === 'once-for-all';
}

/** What a network costs, where its figures tell. */
export function networkCost(network: MeasuredNetwork, axis: Cost): number | null {
  return axis === 'latency_ms' || axis === 'macs_m' || axis === 'params_m' ? network[axis] : null;
}

/** Networks that have a place on an axis, OFA's or the others. */
export function placed(plot: FrontPlot, ofa: boolean): MeasuredNetwork[] {
  return plot.networks.filter(n => isOfa(n) === ofa && networkCost(n, plot.axis) !== null);
}

const top1Text = (value: number) => `top-1 ${percent(value, 2)}`;

function pointText(axis: Cost, point: FrontPoint, title: string, unit: string) {
  return [
    title,
    `${costText(axis, point[axis], unit)}, ${top1Text(point.top1)}`,
    `${costText('macs_m', point.macs_m, unit)}ACs, ${costText('params_m', point.params_m, unit)} parameters`,
    `resolution ${point.subnet.resolution}`,
  ].join('\n');
}

function networkText(axis: Cost, network: MeasuredNetwork, unit: string) {
  return `${network.title}\n${costText(axis, networkCost(network, axis) ?? 0, unit)}, ${top1Text(network.top1)} (published)`;
}

function measuredText(subnet: MeasuredSubnet, unit: string) {
  const off = subnet.latency_ms / subnet.predicted_ms - 1;
  return [
    'Measured subnet',
    `${costText('latency_ms', subnet.latency_ms, unit)}, predicted ${costText('latency_ms', subnet.predicted_ms, unit)}`,
    `${off < 0 ? '' : '+'}${percent(off)}, ${top1Text(subnet.top1)} (predicted)`,
  ].join('\n');
}

function lines(plot: FrontPlot, colours: ChartColours) {
  const line = { color: colours.warn, type: 'dashed', width: 1.5 };
  const label = { color: colours.warn, position: 'insideEndTop', fontSize: 11 };
  return [
    ...(plot.limit === null
      ? []
      : [{ xAxis: plot.limit, lineStyle: line, label: { ...label, formatter: `limit ${plot.limit}` } }]),
    ...(plot.minTop1 === null
      ? []
      : [{ yAxis: plot.minTop1 * 100, lineStyle: line, label: { ...label, formatter: 'top-1 at least' } }]),
  ];
}

function axes(plot: FrontPlot, narrow: boolean, unit: string) {
  const { axis } = plot;
  const most = Math.max(...[...plot.points, ...plot.all].map(p => p[axis]), plot.limit ?? 0);
  // A network far off would squeeze the front into a corner; the list of networks has all.
  const far = plot.networks.some(n => (networkCost(n, axis) ?? 0) > most * 1.5);
  return {
    xAxis: {
      type: 'value',
      name: `${costs[axis].label}, ${costUnit(axis, unit)}`,
      nameLocation: 'middle',
      nameGap: 26,
      scale: true,
      max: far ? Number((most * 1.5).toPrecision(2)) : undefined,
      splitNumber: narrow ? 4 : 8,
      axisLabel: { hideOverlap: true },
    },
    yAxis: {
      type: 'value',
      name: 'Top-1, %',
      nameTextStyle: { align: 'left', padding: [0, 0, 0, -32] },
      scale: true,
      boundaryGap: ['4%', '4%'],
    },
  };
}

/** Of the figure of a subnet that was measured, its 95% interval as a bar. */
function interval(subnets: MeasuredSubnet[], colour: string) {
  return {
    type: 'custom',
    silent: true,
    tooltip: { show: false },
    data: subnets.flatMap(s => (s.range ? [[s.range[0], s.top1 * 100, s.range[1]]] : [])),
    encode: { x: [0, 2], y: 1 },
    renderItem: (_: unknown, item: { value: (n: number) => number; coord: (p: number[]) => number[] }) => {
      const [x1 = 0, y = 0] = item.coord([item.value(0), item.value(1)]);
      const [x2 = 0] = item.coord([item.value(2), item.value(1)]);
      return { type: 'line', shape: { x1, y1: y, x2, y2: y }, style: { stroke: colour, lineWidth: 3, opacity: 0.6 } };
    },
    z: 4,
  };
}

/** Names of the series that have anything in them. */
function shown(plot: FrontPlot): string[] {
  return [
    plot.all.length > 0 && 'All subnets',
    'Front',
    placed(plot, true).length > 0 && 'OFA, published',
    placed(plot, false).length > 0 && 'Other networks',
    plot.measured.length > 0 && 'Measured subnets',
    plot.chosen && 'Chosen',
  ].filter(name => typeof name === 'string');
}

/** @param narrow a screen of a phone's width. @param unit of latencies. */
export function frontOption(plot: FrontPlot, colours: ChartColours, narrow: boolean, unit: string): EChartsCoreOption {
  const { axis } = plot;
  const [blue = '', orange = '', green = '', violet = ''] = colours.series;
  const scatter = (name: string, symbol: string, colour: string, networks: MeasuredNetwork[]) => ({
    name,
    type: 'scatter',
    symbol,
    symbolSize: 9,
    itemStyle: { color: colour },
    data: networks.map(n => [networkCost(n, axis), n.top1 * 100]),
    tooltip: {
      formatter: (at: { dataIndex: number }) => networkText(axis, networks[at.dataIndex] as MeasuredNetwork, unit),
    },
  });
  const curve = (name: string, points: FrontPoint[], colour: string, strong: boolean) => ({
    name,
    type: 'line',
    data: points.map(p => [p[axis], p.top1 * 100]),
    symbol: 'circle',
    symbolSize: strong ? 7 : 4,
    lineStyle: { color: colour, width: strong ? 2 : 1, type: strong ? 'solid' : 'dotted' },
    itemStyle: { color: colour },
    tooltip: {
      formatter: (at: { dataIndex: number }) => pointText(axis, points[at.dataIndex] as FrontPoint, name, unit),
    },
  });
  return {
    // It is drawn anew with every move of a slider: each would begin an animation that the next one cuts off.
    animation: false,
    ...axes(plot, narrow, unit),
    grid: { left: 44, right: 18, top: narrow ? 64 : 44, bottom: 44 },
    legend: { top: 0, right: 0, itemHeight: 9, itemWidth: 16, data: shown(plot) },
    tooltip: { trigger: 'item' },
    series: [
      curve('All subnets', plot.all, colours.dim, false),
      { ...curve('Front', plot.points, blue, true), markLine: markLine(plot, colours) },
      scatter('OFA, published', 'triangle', green, placed(plot, true)),
      scatter('Other networks', 'diamond', violet, placed(plot, false)),
      {
        name: 'Measured subnets',
        type: 'scatter',
        symbol: 'rect',
        symbolSize: 7,
        itemStyle: { color: colours.text },
        data: plot.measured.map(m => [m.latency_ms, m.top1 * 100]),
        tooltip: {
          formatter: (at: { dataIndex: number }) => measuredText(plot.measured[at.dataIndex] as MeasuredSubnet, unit),
        },
      },
      {
        name: 'Chosen',
        type: 'scatter',
        symbolSize: 16,
        z: 5,
        itemStyle: { color: orange, borderColor: colours.surface, borderWidth: 2 },
        data: plot.chosen ? [[plot.chosen.x, plot.chosen.top1 * 100]] : [],
        tooltip: {
          formatter: () =>
            plot.chosen ? `Chosen\n${costText(axis, plot.chosen.x, unit)}, ${top1Text(plot.chosen.top1)}` : '',
        },
      },
      interval(plot.measured, colours.text),
    ],
  };
}

function markLine(plot: FrontPlot, colours: ChartColours) {
  return { symbol: 'none', silent: true, animation: false, data: lines(plot, colours) };
}
