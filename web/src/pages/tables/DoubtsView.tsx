// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useMemo } from 'react';
import { useQuery } from '@tanstack/react-query';
import { createColumnHelper } from '@tanstack/react-table';
import { Link } from 'wouter';
import { DataTable } from '../../components/DataTable';
import { count } from '../../components/format';
import { LayerText } from '../../components/LayerText';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { tableAddress } from './address';
import type { Doubt, TableRef } from './queries';
import { doubtsQuery } from './queries';

const column = createColumnHelper<Doubt>();

function columnsOf(table: TableRef, others: boolean) {
  const link = (text: string) => (
    <Link href={tableAddress(table, 'rows', { layer: text })} tabIndex={-1}>
      <LayerText text={text} />
    </Link>
  );
  return [
    column.accessor('layer', { header: 'Layer', size: 480, cell: c => link(c.getValue()) }),
    column.accessor('doubt', {
      header: 'Kind',
      size: 90,
    }),
    column.accessor('detail', {
      header: 'Why',
      size: 560,
      cell: c => <span title={c.getValue()}>{c.getValue()}</span>,
    }),
    ...(others
      ? [
          column.accessor('other', {
            header: 'Against',
            size: 480,
            cell: c => {
              const other = c.getValue();
              return other ? link(other) : '';
            },
          }),
        ]
      : []),
  ];
}

/** Rows that are not plausible, and why. */
export function DoubtsView({ table }: { table: TableRef }) {
  const doubts = useQuery(doubtsQuery(table));
  const { device, config, version } = table;
  const others = doubts.data?.some(d => d.other !== null) ?? false;
  const columns = useMemo(() => columnsOf({ device, config, version }, others), [device, config, version, others]);
  if (doubts.isPending) return <Loading what="doubts" />;
  if (doubts.isError) return <ProblemNote error={doubts.error} retry={() => void doubts.refetch()} />;
  if (doubts.data.length === 0)
    return (
      <Empty title="Every row is plausible">
        <p>No layer that does more is faster than one that does less, and no row’s samples spread by more than 10 %.</p>
      </Empty>
    );
  const order = doubts.data.filter(d => d.doubt === 'order').length;
  return (
    <div className="stack">
      <p>
        {count(order)} by order: a layer that does more of the same is faster, beyond noise.{' '}
        {count(doubts.data.length - order)} by spread: the standard deviation is above 10 % of the mean. Some are how
        the runtime is (a slow kernel); others go away with more samples.
      </p>
      <DataTable
        data={doubts.data}
        columns={columns}
        label="Implausible rows"
        rowId={d => `${d.layer} ${d.doubt} ${d.other ?? ''}`}
      />
    </div>
  );
}
