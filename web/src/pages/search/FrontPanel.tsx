// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback, useMemo } from 'react';
import type { ColumnDef } from '@tanstack/react-table';
import type { ChartClick } from '../../components/Chart';
import { Chart } from '../../components/Chart';
import type { ChartColours } from '../../components/chartTheme';
import { CopyButton } from '../../components/CopyButton';
import { DataTable } from '../../components/DataTable';
import { SelectField } from '../../components/Field';
import { percent } from '../../components/format';
import { Loading, ProblemNote } from '../../components/Notes';
import { useUnit } from '../../components/unit';
import type { Cost } from './costs';
import { COSTS, costText, costUnit, costs, neverFits, roundUp } from './costs';
import type { FrontPlot } from './frontOption';
import { SERIES, frontOption, networkCost, placed } from './frontOption';
import type { FrontPoint } from './queries';
import { useNarrow } from './useNarrow';

/** The front as text that spreadsheets read. */
function csvOf(points: FrontPoint[]): string {
  const rows = points.map(p => [p.top1, ...COSTS.map(cost => p[cost]), p.subnet.resolution].join(','));
  return ['top1', ...COSTS, 'resolution'].join(',') + '\n' + rows.join('\n') + '\n';
}

function columnsOf(take: (point: FrontPoint) => void, unit: string): ColumnDef<FrontPoint>[] {
  const numeric = { numeric: true };
  return [
    ...COSTS.map<ColumnDef<FrontPoint>>(cost => ({
      id: cost,
      header: `${costs[cost].label}, ${costUnit(cost, unit)}`,
      accessorFn: point => point[cost],
      cell: cell => (neverFits(cost, cell.getValue<number>()) ? '–' : costs[cost].text(cell.getValue<number>())),
      meta: numeric,
      size: 130,
    })),
    {
      id: 'top1',
      header: 'Top-1',
      accessorFn: p => p.top1,
      cell: c => percent(c.row.original.top1, 2),
      meta: numeric,
      size: 90,
    },
    { id: 'resolution', header: 'Resolution', accessorFn: p => p.subnet.resolution, meta: numeric, size: 100 },
    {
      id: 'take',
      header: '',
      enableSorting: false,
      size: 90,
      cell: c => (
        <button type="button" tabIndex={-1} className="quiet small" onClick={() => take(c.row.original)}>
          Choose
        </button>
      ),
    },
  ];
}

function FrontTable({ points, take }: { points: FrontPoint[]; take: (point: FrontPoint) => void }) {
  const unit = useUnit();
  const columns = useMemo(() => columnsOf(take, unit), [take, unit]);
  return (
    <details className="fold">
      <summary>The front as a table ({points.length} subnets)</summary>
      <div className="fold-actions">
        <CopyButton text={csvOf(points)} what="the front as CSV" label="Copy the front as CSV" />
      </div>
      <DataTable
        data={points}
        columns={columns}
        label="Subnets of the front"
        rowId={p => JSON.stringify(p.subnet)}
        height="360px"
      />
    </details>
  );
}

/** The front, with the chosen subnet, its limit, and what was measured on the device.
 *  @param plot null: not there yet. @param stale it is of a question before this one.
 *  @param onLimit a limit for the axis' cost was picked in the plot. */
export function FrontPanel(props: {
  plot: FrontPlot | null;
  stale: boolean;
  error: unknown;
  retry: () => void;
  axis: Cost;
  onAxis: (axis: Cost) => void;
  onLimit: (limit: number) => void;
}) {
  const { plot, onLimit, axis } = props;
  const narrow = useNarrow();
  const unit = useUnit();
  const option = useCallback(
    (colours: ChartColours) => (plot ? frontOption(plot, colours, narrow, unit) : {}),
    [plot, narrow, unit],
  );
  const pick = useCallback(
    ({ seriesIndex, dataIndex }: ChartClick) => {
      if (!plot) return;
      const series = SERIES[seriesIndex];
      const network = (ofa: boolean) => {
        const hit = placed(plot, ofa)[dataIndex];
        return hit && networkCost(hit, plot.axis);
      };
      const points = series === 'front' ? plot.points : series === 'all' ? plot.all : [];
      const cost =
        series === 'ofa' ? network(true) : series === 'networks' ? network(false) : points[dataIndex]?.[plot.axis];
      if (cost != null) onLimit(roundUp(cost));
    },
    [plot, onLimit],
  );
  const take = useCallback((point: FrontPoint) => onLimit(roundUp(point[axis])), [onLimit, axis]);
  const ends = plot && plot.points.length > 0 ? [plot.points[0], plot.points.at(-1)] : [];
  return (
    <section className="card front" aria-label="Pareto front">
      <div className="card-head">
        <h2>Accuracy against</h2>
        <SelectField label="Axis" value={axis} onChange={value => props.onAxis(value as Cost)}>
          {COSTS.map(cost => (
            <option key={cost} value={cost}>
              {costs[cost].label.toLowerCase().replace('macs', 'MACs')}
            </option>
          ))}
        </SelectField>
      </div>
      {props.error != null && <ProblemNote error={props.error} retry={props.retry} />}
      {!plot && props.error == null && <Loading what="the front" />}
      {plot && props.error == null && (
        <div data-stale={props.stale} className="front-plot">
          <Chart
            option={option}
            onClick={pick}
            height={narrow ? 300 : 380}
            label={`Pareto front of top-1 against ${costs[axis].label.toLowerCase()}, ${plot.points.length} subnets, from ${ends
              .map(p => p && `${costText(axis, p[axis], unit)} with ${percent(p.top1, 2)}`)
              .join(' to ')}. The table below has all of them.`}
          />
          <FrontTable points={plot.points} take={take} />
        </div>
      )}
    </section>
  );
}
