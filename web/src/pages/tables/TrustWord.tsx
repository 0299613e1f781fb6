// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { percent } from '../../components/format';
import { State } from '../../components/State';

/** How far a table can be trusted, in a line. */
export function TrustWord({ trust }: { trust: { trusted: boolean; mape: number; doubt: string | null } | null }) {
  if (!trust) return <span className="dim">not held against subnets</span>;
  return (
    <State tone={trust.trusted ? 'good' : 'bad'}>
      {trust.trusted ? `predicts within ${percent(trust.mape)}` : `doubtful, ${percent(trust.mape)} off`}
    </State>
  );
}
