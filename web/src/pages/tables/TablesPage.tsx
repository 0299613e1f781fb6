// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useMemo, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from 'wouter';
import { tablesQuery } from '../../api/queries';
import type { TableSummary } from '../../api/types';
import { count } from '../../components/format';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { Time } from '../../components/Time';
import { refText, tableAddress } from './address';
import { ImportDialog } from './ImportDialog';
import { tableId } from './queries';
import { TrustWord } from './TrustWord';
import './tables.css';

/** Files that are dragged anywhere onto the page. */
function useDroppedFiles(take: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0; // enter and leave are told of every element that is passed
    const isFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const enter = (event: DragEvent) => {
      if (isFiles(event)) setOver(++depth > 0);
    };
    const leave = (event: DragEvent) => {
      if (isFiles(event)) setOver(--depth > 0);
    };
    const hover = (event: DragEvent) => {
      if (isFiles(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      take([...(event.dataTransfer?.files ?? [])]);
    };
    const pairs = [
      ['dragenter', enter],
      ['dragleave', leave],
      ['dragover', hover],
      ['drop', drop],
    ] as const;
    for (const [name, listener] of pairs) window.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of pairs) window.removeEventListener(name, listener);
    };
  }, [take]);
  return over;
}

function runtimeOf(table: TableSummary): string {
  const runtime = table.fingerprint['runtime'];
  const cpu = table.fingerprint['cpu'];
  if (table.origin === 'imported') return 'imported';
  return [runtime, cpu].filter(Boolean).join(' on ');
}

const columns: ListColumn<TableSummary>[] = [
  { title: 'Table', cell: t => <Link href={tableAddress({ ...t, version: null })}>{tableId(t)}</Link> },
  { title: 'Rows', cell: t => count(t.entries), numeric: true },
  { title: 'Version', cell: t => t.version, numeric: true },
  { title: 'Trust', cell: t => <TrustWord trust={t.trust} /> },
  { title: 'Measured with', cell: runtimeOf },
  { title: 'Changed', cell: t => <Time at={t.updated} /> },
];

/** Leads to two tables beside each other. */
function Compare({ tables }: { tables: TableSummary[] }) {
  const [, go] = useLocation();
  const refs = useMemo(() => tables.map(t => refText({ ...t, version: null })), [tables]);
  // Two configs of one device are what is compared most.
  const first = Math.max(
    0,
    tables.findIndex((t, i) => tables[i + 1]?.device === t.device),
  );
  const [a, setA] = useState(refs[first] ?? '');
  const [b, setB] = useState(refs[first + 1] ?? '');
  const start = () => {
    const table = tables.find(t => tableId(t) === a);
    if (table) go(tableAddress({ ...table, version: null }, 'compare', { with: b }));
  };
  const choice = (label: string, value: string, set: (v: string) => void) => (
    <select aria-label={label} value={value} onChange={e => set(e.target.value)}>
      {refs.map(ref => (
        <option key={ref}>{ref}</option>
      ))}
    </select>
  );
  return (
    <form
      className="compare-start"
      onSubmit={e => {
        e.preventDefault();
        start();
      }}
    >
      <span className="dim">Side by side:</span>
      {choice('First table', a, setA)}
      <span className="dim">and</span>
      {choice('Second table', b, setB)}
      <button type="submit" disabled={a === b}>
        Compare
      </button>
    </form>
  );
}

export default function TablesPage() {
  const tables = useQuery(tablesQuery);
  const [files, setFiles] = useState<File[] | null>(null);
  const over = useDroppedFiles(setFiles);
  const content = () => {
    if (tables.isPending) return <Loading what="tables" />;
    if (tables.isError) return <ProblemNote error={tables.error} retry={() => void tables.refetch()} />;
    if (tables.data.length === 0)
      return (
        <Empty title="There is no table yet">
          <p>
            A <Link href="/profiles">profile</Link> of a <Link href="/devices">device</Link> makes one. Tables that
            others published can be dropped here.
          </p>
          <button type="button" onClick={() => setFiles([])}>
            Import a table
          </button>
        </Empty>
      );
    return (
      <div className="stack">
        <RowList label="Tables" columns={columns} items={tables.data} rowId={tableId} />
        {tables.data.length > 1 && <Compare tables={tables.data} />}
      </div>
    );
  };
  return (
    <>
      <PageHeader title="Tables" about="What each layer takes on a device, by runtime, number type, threads and batch.">
        <button type="button" onClick={() => setFiles([])}>
          Import…
        </button>
      </PageHeader>
      {content()}
      {over && <div className="drop-note">Drop tables to import them: OFA YAML, OFA JSON, CSV</div>}
      {files && <ImportDialog files={files} onClose={() => setFiles(null)} />}
    </>
  );
}
