// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { Run } from '../../api/types';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import type { Target } from './findings';
import { causes, tableOf, valueText } from './findings';

interface Change {
  table: string;
  field: string;
  before: unknown;
  now: unknown;
}

const columns: ListColumn<Change>[] = [
  { title: 'What', cell: c => <b>{c.field.replaceAll('_', ' ')}</b> },
  { title: 'Baseline', cell: c => valueText(c.before) },
  { title: 'Now', cell: c => valueText(c.now) },
  { title: 'Table', cell: c => c.table },
];

function changesOf(target: Target): Change[] {
  return target.fingerprint.map(c => ({ table: tableOf(target), ...c }));
}

/** What is not as it was when the baseline was measured: the first thing to look at. */
export function Causes({ run }: { run: Run }) {
  const changes = causes(run.targets).flatMap(changesOf);
  if (changes.length === 0) return null;
  const changed = run.findings.length > 0;
  return (
    <section className="section" aria-labelledby="causes">
      <h2 id="causes">{changed ? 'Likely cause' : 'What is another'}</h2>
      <p className="dim">
        {changed
          ? 'The fingerprint is not that of the baseline. What was found may come from it.'
          : 'The fingerprint is not that of the baseline, and yet the measurements are as they were.'}
      </p>
      <RowList
        label="Fields of the fingerprint"
        columns={columns}
        items={changes}
        rowId={c => `${c.table} ${c.field}`}
      />
    </section>
  );
}
