// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { answer, api } from '../../api/client';
import { devicesQuery, profilesQuery } from '../../api/queries';
import { duration } from '../../components/format';
import { Progress } from '../../components/Progress';
import { toastProblem } from '../../components/Toasts';
import type { TableRef } from './queries';

/** What is asked of a profile besides device and config. */
export interface ProfileRequest {
  space: string;
  resolutions?: number[];
  calibrate?: boolean;
}

/** Starts a profile of a table's device and config, and shows how far it is. @param about says what it does. */
export function ProfileButton(props: {
  table: TableRef;
  request: ProfileRequest;
  action: string;
  about: string;
  disabled?: boolean;
}) {
  const { device, config } = props.table;
  const devices = useQuery(devicesQuery);
  const profiles = useQuery(profilesQuery);
  const [starting, setStarting] = useState(false);
  const found = devices.data?.find(d => d.name === device);
  const last = profiles.data?.findLast(p => p.device === device && p.config === config);
  const running = last && (last.state === 'queued' || last.state === 'running') ? last : null;
  const start = async () => {
    setStarting(true);
    try {
      await answer(api.POST('/v1/profiles', { body: { device, config, ...props.request } }));
    } catch (error) {
      toastProblem(error);
    }
    setStarting(false);
  };
  if (devices.data && !found?.transport)
    return (
      <p className="dim">{device} has no transport: its tables were imported, so nothing can be measured on it.</p>
    );
  if (running)
    return (
      <div className="profile-line" role="status">
        <Progress label="Progress of the profile" share={running.visits_done / Math.max(1, running.visits_total)} />
        <Link href="/profiles">
          {running.state === 'queued'
            ? 'waits for the device'
            : `${running.visits_done} of ${running.visits_total} visits`}
        </Link>
        {running.eta_s !== null && <span className="dim">{duration(running.eta_s)} left</span>}
      </div>
    );
  return (
    <div className="profile-line">
      <button type="button" className="primary" disabled={starting || props.disabled} onClick={() => void start()}>
        {props.action}
      </button>
      <span className="dim">{props.about}</span>
      {last?.state === 'failed' && last.error && <p className="why">The last profile failed: {last.error}</p>}
    </div>
  );
}
