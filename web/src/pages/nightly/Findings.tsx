// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import type { Run } from '../../api/types';
import { count, ms } from '../../components/format';
import { LayerText } from '../../components/LayerText';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import type { Clock } from '../../components/unit';
import { UnitContext, unitOf, useUnit } from '../../components/unit';
import { tableAddress } from '../tables/address';
import type { Finding, FindingRow } from './findings';
import { byEffect, chanceText, changeText, confirmedText, intervalText, sorted, tableOf } from './findings';

/** Rows that are shown before one asks for all. */
const FIRST_ROWS = 10;

export type Clocks = Partial<Record<string, Clock>>;

/** A row in its table, with its history of nights. */
function rowAddress(finding: Finding, layer: string): string {
  return tableAddress({ device: finding.device, config: finding.config, version: null }, 'rows', { layer });
}

function columnsOf(finding: Finding, unit: string): ListColumn<FindingRow>[] {
  return [
    {
      title: 'Layer',
      cell: r => (
        <Link href={rowAddress(finding, r.layer)}>
          <LayerText text={r.layer} />
        </Link>
      ),
    },
    { title: 'Change', numeric: true, cell: r => changeText(r.ratio) },
    { title: `Before, ${unit}`, numeric: true, cell: r => ms(r.before_ms) },
    { title: `Now, ${unit}`, numeric: true, cell: r => ms(r.now_ms) },
    { title: 'p', numeric: true, cell: r => chanceText(r.p) },
  ];
}

function Rows({ finding, rows }: { finding: Finding; rows: FindingRow[] }) {
  const [all, setAll] = useState(false);
  const unit = useUnit();
  const ordered = useMemo(() => byEffect(rows), [rows]);
  const shown = all ? ordered : ordered.slice(0, FIRST_ROWS);
  return (
    <>
      <RowList
        label={`Rows of ${finding.what}`}
        columns={columnsOf(finding, unit)}
        items={shown}
        rowId={r => r.layer}
      />
      {shown.length < ordered.length && (
        <button type="button" className="quiet" onClick={() => setAll(true)}>
          All {count(ordered.length)} rows
        </button>
      )}
    </>
  );
}

function Since({ finding, run }: { finding: Finding; run: string }) {
  const { since } = finding;
  if (since.run === run) return <>this run</>;
  return (
    <Link href={`/nightly/${since.run}`}>
      <Time at={since.at} />
    </Link>
  );
}

export function FindingFigures({ finding: f, run }: { finding: Finding; run: string }) {
  const unit = useUnit();
  const interval = intervalText(f.interval);
  return (
    <dl className="finding-figures">
      <div>
        <dt>Change</dt>
        <dd>
          <b>{changeText(f.ratio)}</b>
          {interval && <span className="dim"> ({interval})</span>}
        </dd>
      </div>
      {f.before_ms !== null && f.now_ms !== null && (
        <div>
          <dt>Latency</dt>
          <dd>
            {ms(f.before_ms)} → {ms(f.now_ms)} {unit}
          </dd>
        </div>
      )}
      <div>
        <dt>p, corrected for all rows</dt>
        <dd>
          {chanceText(f.p)}, {chanceText(f.q)}
        </dd>
      </div>
      <div>
        <dt>Visits before and now</dt>
        <dd>
          {count(f.samples_before)}, {count(f.samples)}; {confirmedText(f.confirmed)}
        </dd>
      </div>
      <div>
        <dt>Since</dt>
        <dd>
          <Since finding={f} run={run} />
        </dd>
      </div>
    </dl>
  );
}

function One({ finding: f, run }: { finding: Finding; run: string }) {
  return (
    <li className="card stack finding" data-direction={f.direction}>
      <div className="course">
        <State tone={f.direction === 'slower' ? 'bad' : 'good'}>
          {f.nature === 'drift' ? `${f.direction}, by drift` : f.direction}
        </State>
        <span>{f.sentence}</span>
      </div>
      <FindingFigures finding={f} run={run} />
      {f.layer !== null && (
        <p>
          <Link href={rowAddress(f, f.layer)}>
            The history of <LayerText text={f.layer} />
          </Link>
        </p>
      )}
      {f.rows && f.rows.length > 0 && (f.layer === null || f.rows.length > 1) && (
        <details>
          <summary>{count(f.row_count)} rows</summary>
          <Rows finding={f} rows={f.rows} />
        </details>
      )}
    </li>
  );
}

/** What has changed, in words, what is about most first. */
export function Findings({ run, clocks }: { run: Run; clocks: Clocks }) {
  const found = sorted(run.findings);
  if (found.length === 0) return null;
  return (
    <section className="section" aria-labelledby="findings">
      <h2 id="findings">What has changed</h2>
      <ul className="plain stack">
        {found.map(f => (
          <UnitContext key={f.id} value={unitOf(clocks[tableOf(f)])}>
            <One finding={f} run={run.id} />
          </UnitContext>
        ))}
      </ul>
    </section>
  );
}
