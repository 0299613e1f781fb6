// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { answer, api } from '../../api/client';
import { sessionQuery, tablesQuery } from '../../api/queries';
import type { Shipped } from '../../api/types';
import { ConfirmDialog } from '../../components/Dialog';
import { ms, percent } from '../../components/format';
import { Loading, ProblemNote } from '../../components/Notes';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { Time } from '../../components/Time';
import { toast } from '../../components/Toasts';
import { unitOf } from '../../components/unit';
import type { Clocks } from './Findings';
import { tableOf } from './findings';
import { predictedQuery, shippedQuery } from './queries';

/** What its table says of it now. */
function Predicted({ shipped, unit }: { shipped: Shipped; unit: string }) {
  const table = useQuery(tablesQuery).data?.find(t => tableOf(t) === tableOf(shipped));
  const found = useQuery({ ...predictedQuery(shipped, table?.updated ?? ''), enabled: table !== undefined });
  if (found.isError) return <span className="why">{found.error.message}</span>;
  if (!found.data) return <span className="dim">–</span>;
  return (
    <>
      {ms(found.data.latency_ms)} {unit}
      {found.data.top1 !== null && <span className="dim">, {percent(found.data.top1, 2)} top-1</span>}
    </>
  );
}

function RemoveShipped({ shipped, onClose }: { shipped: Shipped; onClose: () => void }) {
  const client = useQueryClient();
  const { name } = shipped;
  const remove = async () => {
    await answer(api.DELETE('/v1/shipped/{id}', { params: { path: { id: shipped.id } } }));
    void client.invalidateQueries({ queryKey: shippedQuery.queryKey });
    toast(`Nights look no more after ${name}`);
  };
  return (
    <ConfirmDialog title={`Remove ${name}?`} action={`Remove ${name}`} run={remove} onClose={onClose}>
      <p>Nightly runs do not look after it any more. What they found of it stays with them.</p>
    </ConfirmDialog>
  );
}

function columnsOf(clocks: Clocks, remove: ((shipped: Shipped) => void) | null): ListColumn<Shipped>[] {
  const columns: ListColumn<Shipped>[] = [
    { title: 'Name', cell: s => s.name },
    { title: 'Table', cell: s => <Link href={`/tables/${tableOf(s)}`}>{tableOf(s)}</Link> },
    { title: 'Limit', cell: s => `${ms(s.latency_ms)} ${unitOf(clocks[tableOf(s)])}` },
    { title: 'By its table now', cell: s => <Predicted shipped={s} unit={unitOf(clocks[tableOf(s)])} /> },
    { title: 'Subnet', cell: s => `${s.subnet.space ?? ''} at ${s.subnet.resolution} px` },
    { title: 'Shipped', cell: s => <Time at={s.shipped} /> },
  ];
  if (!remove) return columns;
  const action = (s: Shipped) => (
    <button type="button" aria-label={`Remove ${s.name}`} onClick={() => remove(s)}>
      Remove
    </button>
  );
  return [...columns, { title: 'Actions', cell: action }];
}

/** Subnets that are in use, which nights time as a whole. */
export function ShippedList() {
  const shipped = useQuery(shippedQuery);
  const tables = useQuery(tablesQuery);
  const session = useQuery(sessionQuery);
  const [removing, setRemoving] = useState<Shipped | null>(null);
  const clocks: Clocks = Object.fromEntries((tables.data ?? []).map(t => [tableOf(t), t.clock]));
  const people = session.data?.role !== 'agent';
  return (
    <section className="section" aria-labelledby="shipped">
      <h2 id="shipped">Shipped subnets</h2>
      {shipped.isPending && <Loading what="shipped subnets" />}
      {shipped.isError && <ProblemNote error={shipped.error} retry={() => void shipped.refetch()} />}
      {shipped.data?.length === 0 && (
        <p className="dim">
          None. “Ship” on an answer of the <Link href="/search">search</Link> names a subnet that is in use: nights time
          it, and tell when it does not meet its limit any more.
        </p>
      )}
      {shipped.data && shipped.data.length > 0 && (
        <RowList
          label="Shipped subnets"
          columns={columnsOf(clocks, people ? setRemoving : null)}
          items={shipped.data}
          rowId={s => s.id}
        />
      )}
      {removing && <RemoveShipped shipped={removing} onClose={() => setRemoving(null)} />}
    </section>
  );
}
