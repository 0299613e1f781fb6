// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useDeferredValue, useMemo, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { devicesQuery, spacesQuery, tablesQuery } from '../../api/queries';
import type { Profile } from '../../api/types';
import { CopyButton } from '../../components/CopyButton';
import { duration } from '../../components/format';
import { Empty, InstructionsNote, Loading, ProblemNote } from '../../components/Notes';
import { PageHeader } from '../../components/PageHeader';
import { UnitContext, unitOf } from '../../components/unit';
import { AnswerPanel } from './AnswerPanel';
import { boardLimits } from './board';
import { CatalogPanel } from './CatalogPanel';
import { roundUp } from './costs';
import { Drawing } from './Drawing';
import { FrontPanel } from './FrontPanel';
import { MeasurePanel } from './MeasurePanel';
import { isMissingRows, MissingRows } from './MissingRows';
import type { SubnetAnswer } from './queries';
import { predictorsQuery, spaceQuery, tableParts } from './queries';
import type { Question, SubnetBody } from './question';
import { axisLimit, printQuestion, subnetBody, withLimit } from './question';
import { QuestionPanel } from './QuestionPanel';
import { ShipPanel } from './ShipPanel';
import { TakeAway } from './TakeAway';
import type { Stock } from './useDefaults';
import { useDefaults } from './useDefaults';
import { useFront, useMeasured } from './usePlot';
import { useAddress, useQuestion } from './useQuestion';
import { useSubnet } from './useSubnet';
import './search.css';

const ABOUT = 'The best subnet within a device’s limits, from its latency table.';

function ProfileNote({ profile: p }: { profile: Profile }) {
  return (
    <p className="note search-note" role="status">
      {p.device}/{p.config} is <Link href={`/profiles/${p.id}`}>being profiled</Link>: {p.rows_done} of {p.rows_total}{' '}
      rows
      {p.eta_s != null && `, ${duration(p.eta_s)} left`}. Answers rest on the table as it was, and are renewed at the
      end.
    </p>
  );
}

function NoPredictor({ space }: { space: string }) {
  const command = `lathe predictor add NAME acc_predictor.safetensors --space ${space}`;
  return (
    <section className="card stack" aria-label="No predictor">
      <h2>Nothing predicts the accuracy of {space} yet</h2>
      <p>
        So what is sought is the subnet that computes most within the limits: of networks of one family, those with more
        MACs are the more accurate ones as a rule. A front of accuracy needs a predictor: it is a safetensors file, or
        trained from your own measurements of accuracy: <code>lathe predictor train</code>.
      </p>
      <p>
        <code>{command}</code> <CopyButton text={command} what="the command" />
      </p>
    </section>
  );
}

/** The answer that is shown: what was verified for this very question, else what was found. */
function useChosen(question: Question, ready: boolean, stamp: string) {
  const body = subnetBody(question);
  const key = JSON.stringify(body);
  const found = useSubnet(ready ? body : null, stamp);
  const [kept, setKept] = useState<{ key: string; answer: SubnetAnswer } | null>(null);
  const verified = kept?.key === key ? kept.answer : null;
  const keep = (asked: SubnetBody, answer: SubnetAnswer) => setKept({ key: JSON.stringify(asked), answer });
  return {
    chosen: verified ?? found.answer,
    verified,
    keep,
    error: verified ? null : found.error,
    stale: !found.current,
  };
}

function Search({ stock }: { stock: Stock }) {
  const { given, open, change } = useQuestion();
  const defaults = useDefaults(given, open, stock);
  const { question: q, ready, stamp, ranges } = defaults;
  useAddress(ready ? q : null);
  const { chosen, verified, keep, error, stale } = useChosen(q, ready, stamp);
  const space = useQuery({ ...spaceQuery(q.space), enabled: q.space !== '' });
  const first = q.tables[0] ?? '';
  const devices = useQuery(devicesQuery);
  const boards = boardLimits(
    devices.data ?? [],
    q.tables.map(table => tableParts(table).device),
  );
  const clocks = Object.fromEntries(stock.tables.map(t => [`${t.device}/${t.config}`, t.clock]));
  const measured = useMeasured(first, q.space, q.predictor, stamp);
  const front = useFront(q, ready, stamp);
  const limit = axisLimit(q);
  const { points, all } = front;
  const { networks, subnets } = measured;
  const plot = useMemo(() => {
    if (!points) return null;
    const at = chosen?.top1 == null ? null : { x: chosen[q.axis], top1: chosen.top1 };
    return {
      axis: q.axis,
      points,
      all,
      chosen: at,
      limit,
      minTop1: q.minTop1,
      networks: networks ?? [],
      measured: q.axis === 'latency_ms' ? subnets : [],
    };
  }, [points, all, chosen, q.axis, limit, q.minTop1, networks, subnets]);
  // A slider's move shows at once, the plot when there is time.
  const drawn = useDeferredValue(plot);
  const setLimit = (value: number) => change(withLimit(q, q.axis, value));
  const link = `${window.location.origin}/search?${printQuestion(q)}`;
  return (
    <UnitContext value={unitOf(clocks[first])}>
      <PageHeader title="Search" about={ABOUT}>
        {ready && <CopyButton text={link} what="a link to this search" label="Copy a link" />}
      </PageHeader>
      {defaults.profile && <ProfileNote profile={defaults.profile} />}
      <InstructionsNote clock={clocks[first]} />
      <div className="search">
        <QuestionPanel
          question={q}
          onChange={change}
          tables={stock.tables.map(t => `${t.device}/${t.config}`)}
          spaces={stock.spaces}
          clocks={clocks}
          boards={boards}
          predictors={stock.predictors.filter(p => p.space === q.space)}
          complete={defaults.complete}
          ranges={ranges}
          used={chosen && !error ? chosen : null}
        />
        {isMissingRows(defaults.error) ? (
          <MissingRows
            key={`${first} ${q.space}`}
            question={q}
            error={defaults.error}
            space={stock.spaces.find(s => s.id === q.space)}
            filling={defaults.profile !== null}
          />
        ) : (
          <>
            <div className="search-side">
              <AnswerPanel
                question={q}
                answer={chosen}
                error={error ?? defaults.error}
                clocks={clocks}
                stale={stale}
                onChange={change}
              />
              {chosen && <MeasurePanel question={q} chosen={chosen} verified={verified} onVerified={keep} />}
              {chosen && <TakeAway question={q} chosen={chosen} />}
              {chosen && <ShipPanel question={q} chosen={chosen} />}
            </div>
            <div className="search-main">
              {q.space !== '' && q.predictor === '' ? (
                <NoPredictor space={q.space} />
              ) : (
                <FrontPanel
                  plot={drawn}
                  stale={front.stale}
                  error={front.error}
                  retry={front.retry}
                  axis={q.axis}
                  onAxis={axis => change({ ...q, axis })}
                  onLimit={setLimit}
                />
              )}
              {chosen && <Drawing answer={chosen} space={space.data} />}
              <CatalogPanel
                table={first}
                measured={networks}
                error={measured.error}
                points={defaults.points}
                onLimit={value => change(withLimit(q, 'latency_ms', roundUp(value)))}
              />
            </div>
          </>
        )}
      </div>
    </UnitContext>
  );
}

export default function SearchPage() {
  const tables = useQuery(tablesQuery);
  const spaces = useQuery(spacesQuery);
  const predictors = useQuery(predictorsQuery);
  const error = tables.error ?? spaces.error ?? predictors.error;
  const retry = () => void Promise.all([tables.refetch(), spaces.refetch(), predictors.refetch()]);
  if (error) return <ProblemNote error={error} retry={retry} />;
  if (!tables.data || !spaces.data || !predictors.data) return <Loading what="tables" />;
  if (tables.data.length === 0)
    return (
      <>
        <PageHeader title="Search" about={ABOUT} />
        <Empty title="There is no latency table yet">
          <p>
            A <Link href="/profiles/new">profile</Link> measures one, of a <Link href="/devices">device</Link>.
          </p>
        </Empty>
      </>
    );
  return <Search stock={{ tables: tables.data, spaces: spaces.data, predictors: predictors.data }} />;
}
