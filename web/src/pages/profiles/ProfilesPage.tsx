// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { devicesQuery, profilesQuery, sessionQuery } from '../../api/queries';
import type { Profile } from '../../api/types';
import { Empty, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import { Progress } from '../../components/Progress';
import type { ListColumn } from '../../components/RowList';
import { RowList } from '../../components/RowList';
import { State } from '../../components/State';
import { Time } from '../../components/Time';
import { TrustWord } from './Trust';
import { isActive, resolutionsText, shareOf, summary, tones } from './progress';
import './profiles.css';

function Going({ profile }: { profile: Profile }) {
  return (
    <div className="going">
      {isActive(profile) && <Progress share={shareOf(profile)} label={`Progress of ${profile.id}`} />}
      <span>{summary(profile)}</span>
      {profile.error && <p className="why">{profile.error}</p>}
    </div>
  );
}

const columns: ListColumn<Profile>[] = [
  {
    title: 'Table',
    cell: p => (
      <Link className="table-name" href={`/profiles/${p.id}`}>
        {p.device}/{p.config}
      </Link>
    ),
  },
  {
    title: 'Measures',
    cell: p => (
      <>
        {p.space} <span className="dim nowrap">{resolutionsText(p)}</span>
        {p.calibrate && <span className="dim">, calibration</span>}
      </>
    ),
  },
  { title: 'State', cell: p => <State tone={tones[p.state]}>{p.state}</State> },
  { title: 'Progress', cell: p => <Going profile={p} /> },
  { title: 'Trust', cell: p => <TrustWord trust={p.trust} /> },
  { title: 'Started', cell: p => <Time at={p.created} /> },
];

export default function ProfilesPage() {
  const profiles = useQuery(profilesQuery);
  const devices = useQuery(devicesQuery);
  const session = useQuery(sessionQuery);
  if (profiles.isPending) return <Loading what="profiles" />;
  if (profiles.isError) return <ProblemNote error={profiles.error} retry={() => void profiles.refetch()} />;
  const people = session.data?.role !== 'agent';
  const noDevice = devices.data?.length === 0;
  const start = people && (
    <Link className="button primary" href="/profiles/new">
      Start a profile
    </Link>
  );
  return (
    <>
      <PageHeader title="Profiles" about="Each measures what a device’s table lacks of a space.">
        {profiles.data.length > 0 && start}
      </PageHeader>
      {profiles.data.length === 0 ? (
        <Empty title="Nothing has been profiled yet">
          <p className="dim">A profile times every layer choice of a supernet on a device, inside whole networks.</p>
          {noDevice ? <Link href="/devices">Register a device first</Link> : start}
        </Empty>
      ) : (
        <RowList label="Profiles" columns={columns} items={[...profiles.data].reverse()} rowId={p => p.id} />
      )}
    </>
  );
}
