// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { Profile } from '../../api/types';
import { Figures } from '../../components/Figures';
import { fixed, percent } from '../../components/format';
import { State } from '../../components/State';

type Trust = Profile['trust'];

/** In a word, with the mean error. */
export function TrustWord({ trust }: { trust: Trust }) {
  if (!trust) return <span className="dim">–</span>;
  return (
    <State
      tone={trust.trusted ? 'good' : 'bad'}
    >{`${trust.trusted ? 'good' : 'in doubt'}, ${percent(trust.mape)}`}</State>
  );
}

/** How far a profile's table can be trusted, by subnets that no row was made of. */
export function TrustFigures({ trust }: { trust: NonNullable<Trust> }) {
  const n = trust.subnets;
  return (
    <div className="stack">
      {trust.doubt && <p className="problem">{trust.doubt}</p>}
      <Figures
        items={[
          {
            name: 'Mean error',
            value: percent(trust.mape),
            note: `of ${n} held-out subnet${n === 1 ? '' : 's'}: predicted against measured`,
          },
          { name: 'Worst error', value: percent(trust.worst), note: 'of any of them' },
          { name: 'Kendall’s tau', value: fixed(trust.tau, 2), note: '1: the table puts all in their true order' },
          {
            name: 'Factor',
            value: fixed(trust.factor, 3),
            note: `what rows are multiplied by; without it the mean error is ${percent(trust.uncalibrated_mape)}`,
          },
          {
            name: 'CPU times',
            value: percent(trust.cpu_share, 0),
            note: 'of the samples, the core having been taken away',
          },
        ]}
      />
    </div>
  );
}
