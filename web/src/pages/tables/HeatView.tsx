// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { CSSProperties } from 'react';
import { useMemo, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { ms } from '../../components/format';
import { shape } from '../../components/layer';
import { SelectField } from '../../components/Field';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { useUnit } from '../../components/unit';
import { tableAddress } from './address';
import { optionsOf } from './filter';
import type { HeatBlock, HeatCell } from './heat';
import { heatBlocks, heatOf } from './heat';
import type { TableRef } from './queries';
import { usePlacedRows, useTableSpace } from './useTable';

function Cell({ table, cell, least, most }: { table: TableRef; cell: HeatCell; least: number; most: number }) {
  if (!cell.row) return <td className="heat-none">–</td>;
  const heat = heatOf(cell.row.latency, least, most);
  return (
    <td style={{ '--heat': heat.toFixed(3) } as CSSProperties} data-doubt={cell.row.doubt !== null}>
      <Link
        href={tableAddress(table, 'rows', { layer: cell.row.text })}
        title={cell.row.doubt ? `Implausible: ${cell.row.doubt.detail}` : cell.row.text}
      >
        {ms(cell.row.latency)}
        {cell.row.doubt && <span className="visually-hidden"> (implausible)</span>}
      </Link>
    </td>
  );
}

function Block({
  table,
  block,
  expands,
  scale,
}: {
  table: TableRef;
  block: HeatBlock;
  expands: number[];
  scale: HeatBlock;
}) {
  return (
    <table className="heat">
      <caption>
        <b>{block.part}</b> {block.first ? 'first block' : 'later blocks'}
        <span className="dim">
          {shape(block.input)} → {shape(block.output)}
        </span>
      </caption>
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">Kernel</span>
          </th>
          {expands.map(e => (
            <th key={e} scope="col">
              e {e}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {block.cells.map((line, i) => (
          <tr key={i}>
            <th scope="row">{line[0]?.kernel === null ? 'all' : `${line[0]?.kernel}×${line[0]?.kernel}`}</th>
            {line.map(cell => (
              <Cell key={cell.expand} table={table} cell={cell} least={scale.least} most={scale.most} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Latency by kernel and expand ratio, a small table for each place of the space. */
export function HeatView({ table }: { table: TableRef }) {
  const [search, setSearch] = useSearchParams();
  const space = useTableSpace(table, search.get('space'));
  const { rows, placed, map } = usePlacedRows(table, space);
  const [each, setEach] = useState(false);
  const unit = useUnit();
  const options = useMemo(
    () => optionsOf(placed?.filter(r => r.places.some(p => p.place.stage !== null)) ?? []),
    [placed],
  );
  const asked = Number(search.get('resolution'));
  const resolution = options.resolutions.includes(asked) ? asked : options.resolutions[0];
  const choices = map.data?.space;
  const blocks = useMemo(() => {
    if (!placed || !choices || resolution === undefined) return [];
    return heatBlocks(placed, resolution, choices.kernels, choices.expands);
  }, [placed, choices, resolution]);
  if (rows.isError) return <ProblemNote error={rows.error} retry={() => void rows.refetch()} />;
  if (map.isError) return <ProblemNote error={map.error} retry={() => void map.refetch()} />;
  if (!placed || space === undefined || map.isPending) return <Loading what="rows" />;
  if (blocks.length === 0 || resolution === undefined)
    return (
      <Empty title="No row of this table is a block of a space">
        <p>Only rows of a space have kernels and ratios to choose from. The rows are all in the list.</p>
      </Empty>
    );
  const whole = blocks.reduce((a, b) => ({ ...a, least: Math.min(a.least, b.least), most: Math.max(a.most, b.most) }));
  const pick = (value: string) =>
    setSearch(
      now => {
        const next = new URLSearchParams(now);
        next.set('resolution', value);
        return next;
      },
      { replace: true },
    );
  return (
    <div className="stack">
      <div className="row-filters">
        <SelectField label="Resolution" value={resolution} onChange={pick}>
          {' '}
          {options.resolutions.map(r => (
            <option key={r}>{r}</option>
          ))}
        </SelectField>
        <SelectField label="Colour" value={each ? 'each' : 'whole'} onChange={chosen => setEach(chosen === 'each')}>
          {' '}
          <option value="whole">over all blocks</option>
          <option value="each">within each block</option>
        </SelectField>
        <p className="heat-legend dim">
          {unit} by kernel (down) and expand ratio (across) of {space}; deeper colour takes more, by ratio
          {!each && `: ${ms(whole.least)} to ${ms(whole.most)} ${unit}`}. Framed: implausible.
        </p>
      </div>
      <div className="heats">
        {blocks.map(block => (
          <Block
            key={`${block.part} ${block.first} ${block.input} ${block.output}`}
            table={table}
            block={block}
            expands={choices?.expands ?? []}
            scale={each ? block : whole}
          />
        ))}
      </div>
    </div>
  );
}
