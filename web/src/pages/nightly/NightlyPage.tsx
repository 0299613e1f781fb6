// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** Nights: a calendar, their runs, and the shipped subnets that they look after. */
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useSearchParams } from 'wouter';
import { sessionQuery } from '../../api/queries';
import type { Run } from '../../api/types';
import { SelectField } from '../../components/Field';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import { Calendar } from './Calendar';
import { dayOf } from './calendar';
import { mayHaveOlder, runsQuery } from './queries';
import { RunList } from './RunList';
import { ShippedList } from './ShippedList';
import { StorageNote } from './StorageNote';
import './nightly.css';

const ABOUT = 'Each night measures again what tables rest on, and tells what has become slower.';

/** Devices and tables that runs were of, for a choice. */
function targetsOf(runs: readonly Run[]) {
  const all = runs.flatMap(r => r.targets);
  const devices = [...new Set(all.map(t => t.device))].sort();
  const configs = [...new Set(all.map(t => t.config))].sort();
  return { devices, configs };
}

function Choice(props: { label: string; value: string; options: string[]; onChange: (value: string) => void }) {
  const known = props.value === '' || props.options.includes(props.value);
  return (
    <SelectField label={props.label} value={props.value} onChange={props.onChange}>
      <option value="">any</option>
      {(known ? props.options : [...props.options, props.value]).map(option => (
        <option key={option}>{option}</option>
      ))}
    </SelectField>
  );
}

/** What the address asks to see: /nightly?device=&config=&day=2026-11-25. */
function useChosen() {
  const [search, setSearch] = useSearchParams();
  const set = (name: 'device' | 'config' | 'day', value: string | null) =>
    setSearch(
      now => {
        const next = new URLSearchParams(now);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  return { device: search.get('device') ?? '', config: search.get('config') ?? '', day: search.get('day'), set };
}

function Nights({ runs, all, onAll }: { runs: Run[]; all: boolean; onAll: () => void }) {
  const { device, config, day, set } = useChosen();
  const [now] = useState(() => Date.now());
  const { devices, configs } = targetsOf(runs);
  const of = runs.filter(r =>
    r.targets.some(t => (device === '' || t.device === device) && (config === '' || t.config === config)),
  );
  const shown = day === null ? of : of.filter(r => dayOf(r.created) === day);
  return (
    <div className="stack">
      <div className="row-filters night-filters">
        <Choice label="Device" value={device} options={devices} onChange={v => set('device', v)} />
        <Choice label="Config" value={config} options={configs} onChange={v => set('config', v)} />
        {day !== null && (
          <button type="button" onClick={() => set('day', null)}>
            All days, not only {day}
          </button>
        )}
      </div>
      <Calendar runs={of} now={now} chosen={day} onChoose={date => set('day', date)} />
      <section aria-labelledby="runs">
        <h2 id="runs">{day === null ? 'Runs' : `Runs of ${day}`}</h2>
        {shown.length === 0 ? (
          <p className="dim">None.</p>
        ) : (
          <RunList key={`${device} ${config} ${day}`} runs={shown} />
        )}
        {!all && mayHaveOlder(runs) && (
          <button type="button" className="quiet" onClick={onAll}>
            Runs of more than a year ago, too
          </button>
        )}
      </section>
    </div>
  );
}

export default function NightlyPage() {
  const [which, setWhich] = useState<'recent' | 'all'>('recent');
  const runs = useQuery(runsQuery(which));
  const session = useQuery(sessionQuery);
  const people = session.data?.role !== 'agent';
  const start = people && (
    <Link className="button primary" href="/nightly/new">
      Start a run
    </Link>
  );
  if (runs.isPending) return <Loading what="runs" />;
  if (runs.isError) return <ProblemNote error={runs.error} retry={() => void runs.refetch()} />;
  return (
    <>
      <PageHeader title="Nightly" about={ABOUT}>
        {runs.data.length > 0 && start}
      </PageHeader>
      {runs.data.length === 0 ? (
        <Empty title="There was no run yet">
          <p className="dim">
            A run measures what a table rests on again, and compares. The first one of a table is what later ones are
            compared with. <code>lathe nightly</code> does it from CI.
          </p>
          {start}
        </Empty>
      ) : (
        <Nights runs={runs.data} all={which === 'all'} onAll={() => setWhich('all')} />
      )}
      <ShippedList />
      <StorageNote />
    </>
  );
}
