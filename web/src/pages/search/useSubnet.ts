// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useRef, useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import type { Followed } from './follow';
import { Follower } from './follow';
import type { SubnetAnswer } from './queries';
import { findSubnet } from './queries';
import type { SubnetBody } from './question';
import { areKin } from './question';

interface Asked {
  body: SubnetBody;
  stamp: string;
}

/** The answer to a question that changes as fast as a slider moves.
 *  @param body null: nothing is asked.
 *  @return the last answer or refusal; `current`: it is that of `body`. */
export function useSubnet(body: SubnetBody | null, stamp: string) {
  const client = useQueryClient();
  const [followed, setFollowed] = useState<Followed<Asked, SubnetAnswer> | null>(null);
  const follower = useRef<Follower<Asked, SubnetAnswer>>(null);
  useEffect(() => {
    const made = new Follower<Asked, SubnetAnswer>({
      ask: async ({ body, stamp }, signal) => {
        const key = ['subnet', stamp, body];
        const known = client.getQueryData<SubnetAnswer>(key);
        if (known) return known;
        const found = await findSubnet(body, signal);
        client.setQueryData(key, found);
        return found;
      },
      tell: setFollowed,
      areKin: (a, b) => a.stamp === b.stamp && areKin(a.body, b.body),
    });
    follower.current = made;
    return () => made.stop();
  }, [client]);
  const asked = body && JSON.stringify({ body, stamp });
  useEffect(() => {
    if (asked) follower.current?.want(JSON.parse(asked) as Asked);
  }, [asked, client]);
  const current = followed !== null && asked === JSON.stringify(followed.question);
  return { answer: followed?.answer ?? null, error: followed?.error ?? null, current };
}
