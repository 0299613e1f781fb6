// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useCallback } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { nightsQuery } from '../api/queries';
import type { Nights } from '../api/types';
import { Chart } from './Chart';
import type { ChartColours } from './chartTheme';
import { count, ms } from './format';
import type { Night } from './nights';
import { changeSentence, nightName, nightsOption, nightsText, notesOf } from './nights';
import { Loading, ProblemNote } from './Notes';
import { useUnit } from './unit';

const HEIGHT_PX = 180;

function Row({ night }: { night: Night }) {
  const [low, high] = night.range_ms ?? [];
  return (
    <tr>
      <th scope="row">
        <Link href={`/nightly/${night.run}`}>{nightName(night.at)}</Link> <span className="dim">{notesOf(night)}</span>
      </th>
      <td>{ms(night.latency_ms)}</td>
      <td>{low === undefined ? '–' : `${ms(low)} to ${ms(high)}`}</td>
      <td>{night.count > 0 ? count(night.count) : '–'}</td>
    </tr>
  );
}

function Figures({ nights }: { nights: Night[] }) {
  const unit = useUnit();
  return (
    <table className="mini-table">
      <thead>
        <tr>
          <th scope="col">night</th>
          <th scope="col">{unit}</th>
          <th scope="col">95 % interval</th>
          <th scope="col">samples</th>
        </tr>
      </thead>
      <tbody>
        {[...nights].reverse().map(night => (
          <Row key={`${night.run} ${night.version}`} night={night} />
        ))}
      </tbody>
    </table>
  );
}

function Drawn({ found, what }: { found: Nights; what: string }) {
  const { nights, changes } = found;
  const unit = useUnit();
  const option = useCallback((colours: ChartColours) => nightsOption(colours, found, unit), [found, unit]);
  const last = changes.at(-1);
  return (
    <>
      {nights.length > 1 && (
        <Chart
          option={option}
          label={`${what} in ${nightsText(nights.length)}${last ? `; ${changeSentence(last)}` : ''}. Figures below.`}
          height={HEIGHT_PX}
        />
      )}
      {nights.length > 1 && (
        <p className="help">
          {changes.length === 0
            ? `No lasting change is seen in ${nightsText(nights.length)} alone.`
            : `Changed ${changes.map(changeSentence).join(', ')}.`}{' '}
          Diamonds are accepted levels, triangles nights of another fingerprint, the band is the 95 % interval.
        </p>
      )}
      <details open={nights.length <= 3}>
        <summary>{nightsText(nights.length)}</summary>
        <Figures nights={nights} />
      </details>
    </>
  );
}

/** What nightly runs measured of a row, or of the device's sentinel, with the points from which on it was another.
 *  @param layer null: the sentinel. @param what names it: "Latency". */
export function NightsHistory(props: { device: string; config: string; layer: string | null; what: string }) {
  const found = useQuery(nightsQuery(props.device, props.config, props.layer));
  if (found.isPending) return <Loading what="nights" />;
  if (found.isError) return <ProblemNote error={found.error} retry={() => void found.refetch()} />;
  if (found.data.nights.length === 0) return <p className="dim">No nightly run has measured it.</p>;
  return (
    <div className="stack nights">
      <Drawn found={found.data} what={props.what} />
    </div>
  );
}
