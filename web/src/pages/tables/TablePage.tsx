// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useLocation, useParams, useSearchParams } from 'wouter';
import { answer, api } from '../../api/client';
import { tablesQuery } from '../../api/queries';
import { ConfirmDialog } from '../../components/Dialog';
import { count } from '../../components/format';
import { InstructionsNote, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import { Time } from '../../components/Time';
import { UnitContext, unitOf } from '../../components/unit';
import { toast, toastProblem } from '../../components/Toasts';
import type { View } from './address';
import { VIEWS, tableAddress } from './address';
import { CompareView } from './CompareView';
import { CoverageView } from './CoverageView';
import { DoubtsView } from './DoubtsView';
import { EXPORTS, saveTable } from './exporting';
import { HeatView } from './HeatView';
import type { TableDetail, TableRef } from './queries';
import { tableId, tableQuery } from './queries';
import { RowsView } from './RowsView';
import { TrustView } from './TrustView';
import { TrustWord } from './TrustWord';
import { VersionsView } from './VersionsView';
import './tables.css';

const views: Record<View, (props: { table: TableRef; detail: TableDetail }) => ReactNode> = {
  rows: RowsView,
  heat: HeatView,
  trust: TrustView,
  coverage: CoverageView,
  doubts: DoubtsView,
  compare: CompareView,
  versions: VersionsView,
};

function ExportMenu({ table }: { table: TableRef }) {
  const [busy, setBusy] = useState(false);
  const save = async (accept: string) => {
    const format = EXPORTS.find(e => e.accept === accept);
    if (!format) return;
    setBusy(true);
    try {
      await saveTable(table, format);
    } catch (error) {
      toastProblem(error);
    }
    setBusy(false);
  };
  return (
    <select aria-label="Export" value="" disabled={busy} onChange={e => void save(e.target.value)}>
      <option value="" disabled>
        {busy ? 'Exporting…' : 'Export…'}
      </option>
      {EXPORTS.map(e => (
        <option key={e.accept} value={e.accept}>
          {e.name}
        </option>
      ))}
    </select>
  );
}

function DeleteTable(props: { detail: TableDetail; onGoing: (going: boolean) => void; onClose: () => void }) {
  const { detail, onGoing } = props;
  const [, go] = useLocation();
  const run = async () => {
    const path = { device: detail.device, config: detail.config };
    onGoing(true);
    try {
      await answer(api.DELETE('/v1/tables/{device}/{config}', { params: { path } }));
    } catch (error) {
      onGoing(false);
      throw error;
    }
    toast(`Removed ${tableId(detail)}`);
    go('/tables');
  };
  const rows = detail.versions.reduce((sum, v) => sum + v.entries, 0);
  return (
    <ConfirmDialog
      title={`Remove ${tableId(detail)}?`}
      action={`Remove ${tableId(detail)}`}
      run={run}
      onClose={props.onClose}
    >
      <p>
        With it go {count(rows)} rows in{' '}
        {detail.versions.length === 1 ? 'one version' : `${detail.versions.length} versions`}, their raw samples, and
        what is known about its trust. Nothing brings them back but another profile or import.
      </p>
    </ConfirmDialog>
  );
}

/** The same view of another table, or of another version of this one. */
function Pickers({ table, view, detail }: { table: TableRef; view: View; detail: TableDetail }) {
  const [, go] = useLocation();
  const tables = useQuery(tablesQuery);
  const ids = [...new Set([tableId(table), ...(tables.data ?? []).map(tableId)])].sort();
  const pickTable = (id: string) => {
    const [device = '', config = ''] = id.split('/');
    go(tableAddress({ device, config, version: null }, view));
  };
  const pickVersion = (version: string) =>
    go(tableAddress({ ...table, version: version === '' ? null : Number(version) }, view));
  return (
    <>
      <select aria-label="Table" value={tableId(table)} onChange={e => pickTable(e.target.value)}>
        {ids.map(id => (
          <option key={id}>{id}</option>
        ))}
      </select>
      <select aria-label="Version" value={table.version ?? ''} onChange={e => pickVersion(e.target.value)}>
        {detail.versions.map((v, i) => (
          <option key={v.version} value={i === 0 ? '' : v.version}>
            {`version ${v.version}${i === 0 ? ' (newest)' : ''}`}
          </option>
        ))}
      </select>
    </>
  );
}

function About({ detail }: { detail: TableDetail }) {
  const runtime = [detail.fingerprint['runtime'], detail.fingerprint['cpu']].filter(Boolean).join(' on ');
  return (
    <span className="table-about">
      <span>
        {count(detail.entries)} rows, {detail.origin}
        {runtime && `, ${runtime}`}
      </span>
      <span>
        changed <Time at={detail.updated} />
      </span>
      <TrustWord trust={detail.trust} />
    </span>
  );
}

export default function TablePage() {
  const params = useParams<{ device: string; config: string; view?: string }>();
  const [search] = useSearchParams();
  const [removing, setRemoving] = useState(false);
  // Nothing asks for a table that is about to be gone.
  const [going, setGoing] = useState(false);
  const version = search.get('version');
  const table = {
    device: decodeURIComponent(params.device),
    config: decodeURIComponent(params.config),
    version: version === null ? null : Number(version),
  };
  const view = VIEWS.find(([name]) => name === params.view)?.[0] ?? 'rows';
  const detail = useQuery({ ...tableQuery(table), enabled: !going });
  if (detail.isPending) return <Loading what="the table" />;
  if (detail.isError)
    return (
      <>
        <PageHeader title={tableId(table)} />
        <ProblemNote error={detail.error} retry={() => void detail.refetch()} />
        <p className="after-problem">
          <Link href="/tables">All tables</Link>
        </p>
      </>
    );
  const ViewOf = views[view];
  return (
    <>
      <PageHeader title={tableId(table)} about={<About detail={detail.data} />}>
        <Pickers table={table} view={view} detail={detail.data} />
        <ExportMenu table={table} />
        <button type="button" className="danger" onClick={() => setRemoving(true)}>
          Remove…
        </button>
      </PageHeader>
      <nav className="view-tabs" aria-label="Parts of the table">
        {VIEWS.map(([name, title]) => (
          <Link key={name} href={tableAddress(table, name)} aria-current={name === view ? 'page' : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      <InstructionsNote clock={detail.data.clock} />
      <UnitContext value={unitOf(detail.data.clock)}>
        {!going && <ViewOf key={`${tableId(table)} ${table.version}`} table={table} detail={detail.data} />}
      </UnitContext>
      {removing && <DeleteTable detail={detail.data} onGoing={setGoing} onClose={() => setRemoving(false)} />}
    </>
  );
}
