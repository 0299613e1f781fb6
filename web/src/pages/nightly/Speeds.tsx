// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import type { Run } from '../../api/types';
import { NightsHistory } from '../../components/NightsHistory';
import { UnitContext, unitOf } from '../../components/unit';
import type { Clocks } from './Findings';
import type { Target } from './findings';
import { tableOf } from './findings';

/** More of them are drawn one by one, when they are opened. */
const OPEN_MOST = 2;

function Speed({ target: t, open }: { target: Target; open: boolean }) {
  const [opened, setOpened] = useState(open);
  return (
    <details className="card" open={open} onToggle={e => setOpened(was => was || e.currentTarget.open)}>
      <summary>{tableOf(t)}</summary>
      {opened && <NightsHistory device={t.device} config={t.config} layer={null} what="Time of the sentinel" />}
    </details>
  );
}

/** How fast each device was, night after night. */
export function Speeds({ run, clocks }: { run: Run; clocks: Clocks }) {
  const measured = run.targets.filter(t => t.version !== null);
  if (measured.length === 0) return null;
  return (
    <section className="section" aria-labelledby="speeds">
      <h2 id="speeds">Speed of the devices</h2>
      <p className="dim">
        The time of the sentinel: one subnet that is run again and again in between, by which rows are set right.
      </p>
      <div className="stack">
        {measured.map(t => (
          <UnitContext key={tableOf(t)} value={unitOf(clocks[tableOf(t)])}>
            <Speed target={t} open={measured.length <= OPEN_MOST} />
          </UnitContext>
        ))}
      </div>
    </section>
  );
}
