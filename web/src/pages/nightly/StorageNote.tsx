// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useQuery } from '@tanstack/react-query';
import { bytes } from '../../components/format';
import { Time } from '../../components/Time';
import { storageQuery } from './queries';

/** What the server's folder holds, and when raw samples were thinned. A server that does not tell shows nothing. */
export function StorageNote() {
  const storage = useQuery(storageQuery);
  if (!storage.data) return null;
  const s = storage.data;
  return (
    <p className="help storage-note">
      The server keeps {bytes(s.used_bytes)} of {bytes(s.limit_bytes)} at most, {bytes(s.samples_bytes)} of it raw
      samples
      {s.keep_samples_days === null ? ', which stay' : `, thinned after ${s.keep_samples_days} days`}
      {s.thinning_early && ', and sooner now, as it is filling up'}
      {s.thinned_at !== null && (
        <>
          {' '}
          (last <Time at={s.thinned_at} />)
        </>
      )}
      . Statistics stay for ever.
    </p>
  );
}
