// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { spacesQuery } from '../../api/queries';
import { count, percent } from '../../components/format';
import { LayerText } from '../../components/LayerText';
import { SelectField } from '../../components/Field';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { Progress } from '../../components/Progress';
import { ProfileButton } from './ProfileButton';
import type { Coverage, TableRef } from './queries';
import { coverageQuery } from './queries';
import { useTableSpace } from './useTable';

const SHOWN_MISSING = 200;

function Resolutions(props: { coverage: Coverage; chosen: Set<number>; toggle: (resolution: number) => void }) {
  return (
    <ul className="coverage" aria-label="Resolutions">
      {props.coverage.resolutions.map(r => (
        <li key={r.resolution}>
          <label>
            <input
              type="checkbox"
              checked={props.chosen.has(r.resolution)}
              onChange={() => props.toggle(r.resolution)}
            />
            <span className="coverage-name">{r.resolution}</span>
          </label>
          <Progress label={`Rows at ${r.resolution}`} share={r.rows_present / r.rows_total} />
          <span className="coverage-count" data-full={r.rows_present === r.rows_total}>
            {r.rows_present === r.rows_total
              ? `all ${count(r.rows_total)}`
              : `${count(r.rows_present)} of ${count(r.rows_total)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Missing({ coverage, chosen }: { coverage: Coverage; chosen: Set<number> }) {
  const rows = [...new Set(coverage.resolutions.filter(r => chosen.has(r.resolution)).flatMap(r => r.missing))];
  if (rows.length === 0) return null;
  return (
    <details className="card">
      <summary>
        {count(rows.length)} missing {rows.length === 1 ? 'row' : 'rows'} at{' '}
        {[...chosen].sort((a, b) => a - b).join(', ')}
      </summary>
      <ul className="missing-rows">
        {rows.slice(0, SHOWN_MISSING).map(row => (
          <li key={row}>
            <LayerText text={row} />
          </li>
        ))}
      </ul>
      {rows.length > SHOWN_MISSING && <p className="dim">and {count(rows.length - SHOWN_MISSING)} more</p>}
    </details>
  );
}

/** Resolutions that were begun and lack rows. Some layers, as a classifier, are the same at all of them: to have those
 *  is no beginning. */
function begun(coverage: Coverage): Set<number> {
  const shared = Math.min(...coverage.resolutions.map(r => r.rows_present));
  const lacking = coverage.resolutions.filter(r => r.missing.length > 0);
  return new Set(lacking.filter(r => r.rows_present > shared).map(r => r.resolution));
}

function Shown({ table, coverage }: { table: TableRef; coverage: Coverage }) {
  const [chosen, setChosen] = useState(() => begun(coverage));
  const toggle = (resolution: number) => {
    const next = new Set(chosen);
    if (!next.delete(resolution)) next.add(resolution);
    setChosen(next);
  };
  const complete = coverage.rows_present === coverage.rows_total;
  const missing = new Set(coverage.resolutions.filter(r => chosen.has(r.resolution)).flatMap(r => r.missing)).size;
  return (
    <>
      <p>
        {count(coverage.rows_present)} of the {count(coverage.rows_total)} rows of {coverage.space} are in the table
        {coverage.rows_total > 0 && ` (${percent(coverage.rows_present / coverage.rows_total, 0)})`}
        {complete ? ': a search can choose from all of it.' : '. A search can choose resolutions that are complete.'}
      </p>
      <div className="actions">
        <button
          type="button"
          onClick={() =>
            setChosen(new Set(coverage.resolutions.filter(r => r.missing.length > 0).map(r => r.resolution)))
          }
        >
          Choose all that lack rows
        </button>
        <button type="button" onClick={() => setChosen(new Set())}>
          Choose none
        </button>
      </div>
      <Resolutions coverage={coverage} chosen={chosen} toggle={toggle} />
      <ProfileButton
        table={table}
        request={{ space: coverage.space, resolutions: [...chosen].sort((a, b) => a - b) }}
        action="Profile what is missing"
        disabled={missing === 0}
        about={
          missing === 0
            ? 'choose resolutions that lack rows'
            : `measures ${count(missing)} rows; those that are there stay`
        }
      />
      <Missing coverage={coverage} chosen={chosen} />
    </>
  );
}

/** How much of a space the table has, and how to get the rest. */
export function CoverageView({ table }: { table: TableRef }) {
  const [search, setSearch] = useSearchParams();
  const spaces = useQuery(spacesQuery);
  const guessed = useTableSpace(table, search.get('space'));
  const space = guessed ?? spaces.data?.[0]?.id ?? '';
  const coverage = useQuery({ ...coverageQuery(table, space), enabled: guessed !== undefined && space !== '' });
  if (spaces.isError) return <ProblemNote error={spaces.error} retry={() => void spaces.refetch()} />;
  if (spaces.data?.length === 0) return <Empty title="There is no space" />;
  return (
    <div className="stack">
      <div className="row-filters">
        <SelectField
          label="Space"
          value={space}
          onChange={chosen =>
            setSearch(
              now => {
                const next = new URLSearchParams(now);
                next.set('space', chosen);
                return next;
              },
              { replace: true },
            )
          }
        >
          {' '}
          {spaces.data?.map(s => (
            <option key={s.id} value={s.id}>
              {s.title}
            </option>
          ))}
        </SelectField>
      </div>
      {coverage.isPending && <Loading what="coverage" />}
      {coverage.isError && <ProblemNote error={coverage.error} retry={() => void coverage.refetch()} />}
      {coverage.data && <Shown key={space} table={table} coverage={coverage.data} />}
    </div>
  );
}
