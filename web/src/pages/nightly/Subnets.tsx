// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import type { Run } from '../../api/types';
import { ms, percent } from '../../components/format';
import { State } from '../../components/State';
import { toast, toastProblem } from '../../components/Toasts';
import { UnitContext, unitOf, useUnit } from '../../components/unit';
import type { Clocks } from './Findings';
import { FindingFigures } from './Findings';
import type { Finding } from './findings';
import { tableOf } from './findings';
import { ship, shippedQuery } from './queries';

type Subnet = NonNullable<Finding['subnet']>;
type Replacement = NonNullable<Subnet['replacement']>;

/** A subnet that meets the limit as the device is now. */
function Other(props: { finding: Finding; subnet: Subnet; other: Replacement; people: boolean }) {
  const { finding, subnet, other } = props;
  const client = useQueryClient();
  const unit = useUnit();
  const [state, setState] = useState<'ready' | 'busy' | 'done'>('ready');
  const run = async () => {
    setState('busy');
    try {
      await ship({
        name: subnet.name,
        table: tableOf(finding),
        subnet: other.subnet,
        limits: { latency_ms: subnet.limit_ms },
      });
      void client.invalidateQueries({ queryKey: shippedQuery.queryKey });
      toast(`${subnet.name} is another subnet now`);
      setState('done');
    } catch (error) {
      toastProblem(error);
      setState('ready');
    }
  };
  return (
    <div className="stack">
      <p>
        This one meets it again: {ms(other.latency_ms)} {unit}
        {other.top1 !== null && `, ${percent(other.top1, 2)} top-1 (predicted)`}, at {other.subnet.resolution} px.
      </p>
      <details>
        <summary>Its choices</summary>
        <pre className="choices-text" tabIndex={0} role="group" aria-label="The subnet that meets the limit">
          {JSON.stringify(other.subnet)}
        </pre>
      </details>
      {props.people && (
        <div className="actions">
          <button type="button" disabled={state !== 'ready'} onClick={() => void run()}>
            {state === 'done' ? 'Shipped' : 'Ship this one instead'}
          </button>
        </div>
      )}
    </div>
  );
}

function One({ finding: f, run, people }: { finding: Finding; run: string; people: boolean }) {
  const unit = useUnit();
  const { subnet } = f;
  if (subnet === null) return null;
  const missed = subnet.now_ms > subnet.limit_ms;
  return (
    <li className="card stack finding" data-direction={f.direction}>
      <div className="course">
        <State tone={f.direction === 'slower' ? 'bad' : 'good'}>
          {missed ? `misses its ${subnet.limit_ms} ${unit}` : f.direction}
        </State>
        <span>{f.sentence}</span>
      </div>
      <FindingFigures finding={f} run={run} />
      {subnet.replacement ? (
        <Other finding={f} subnet={subnet} other={subnet.replacement} people={people} />
      ) : (
        missed && <p>No subnet is known that meets the limit now.</p>
      )}
    </li>
  );
}

/** Shipped subnets that take another time than they did. */
export function Subnets({ run, clocks, people }: { run: Run; clocks: Clocks; people: boolean }) {
  const found = run.findings.filter(f => f.scope === 'subnet');
  if (found.length === 0) return null;
  return (
    <section className="section" aria-labelledby="subnets">
      <h2 id="subnets">Shipped subnets</h2>
      <ul className="plain stack">
        {found.map(f => (
          <UnitContext key={f.id} value={unitOf(clocks[tableOf(f)])}>
            <One finding={f} run={run.id} people={people} />
          </UnitContext>
        ))}
      </ul>
    </section>
  );
}
