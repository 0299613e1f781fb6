// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { Problem } from '../../api/problem';
import { CopyButton } from '../../components/CopyButton';
import { count, ms, percent } from '../../components/format';
import { Loading, ProblemNote, problemText } from '../../components/Notes';
import { State } from '../../components/State';
import type { Clock } from '../../components/unit';
import { unitOf, useUnit } from '../../components/unit';
import type { Cost } from './costs';
import { COSTS, OTHER_COSTS, costText, costs, roundUp } from './costs';
import type { SubnetAnswer } from './queries';
import { leastOf } from './queries';
import type { Question } from './question';
import { withLimit } from './question';

interface Props {
  question: Question;
  answer: SubnetAnswer | null;
  error: unknown;
  /** Of the question's tables, as far as they are known. */
  clocks: Partial<Record<string, Clock>>;
  /** The answer is of a question before this one. */
  stale: boolean;
  onChange: (question: Question) => void;
}

function Figures({ answer, question, clocks }: Pick<Props, 'question' | 'clocks'> & { answer: SubnetAnswer }) {
  const [low, high] = answer.latency_ms_range;
  const unit = useUnit();
  return (
    <>
      <p className="headline">
        {answer.top1 === null ? (
          <>
            <strong>{costText('macs_m', answer.macs_m, unit)}</strong>{' '}
            <span className="dim">MACs, the most that fit</span>
          </>
        ) : (
          <>
            <strong>{percent(answer.top1, 2)}</strong> <span className="dim">top-1, predicted</span>
          </>
        )}
        {answer.verified && <State tone="good">measured to fit</State>}
      </p>
      <dl className="pairs">
        {question.tables.length < 2 && (
          <div>
            <dt>Latency</dt>
            <dd>
              {costText('latency_ms', answer.latency_ms, unit)}
              {low !== undefined && high !== undefined && high > low && (
                <small className="dim"> ± {ms((high - low) / 2)}</small>
              )}
            </dd>
          </div>
        )}
        {question.tables.length > 1 &&
          question.tables.map(table => (
            <div key={table}>
              <dt>{table}</dt>
              <dd>{costText('latency_ms', answer.latencies_ms?.[table] ?? NaN, unitOf(clocks[table]))}</dd>
            </div>
          ))}
        {OTHER_COSTS.map(cost => (
          <div key={cost}>
            <dt>{costs[cost].label}</dt>
            <dd>{costText(cost, answer[cost], unit)}</dd>
          </div>
        ))}
        <div>
          <dt>Resolution</dt>
          <dd>
            {answer.subnet.resolution} × {answer.subnet.resolution}
          </dd>
        </div>
      </dl>
    </>
  );
}

/** The next more accurate subnet that the search saw, and what it costs. */
function Next({ question, answer, onChange }: Props & { answer: SubnetAnswer }) {
  const next = answer.explain.next;
  const unit = useUnit();
  if (!next || question.goal !== 'top1' || answer.top1 === null) return null;
  const limited = COSTS.filter(cost => cost === 'latency_ms' || question.limits[cost] !== null);
  const take = () => {
    let q = question;
    for (const cost of OTHER_COSTS)
      if (q.limits[cost] !== null && q.limits[cost] < next[cost]) q = withLimit(q, cost, roundUp(next[cost]));
    const latency = q.latency.map((limit, i) => {
      const needed = next.latencies_ms?.[q.tables[i] ?? ''] ?? next.latency_ms;
      return limit !== null && limit < needed ? roundUp(needed) : limit;
    });
    onChange({ ...q, latency });
  };
  const extra = (cost: Cost) =>
    `${next.extra[cost] < 0 ? '−' : '+'}${costText(cost, Math.abs(next.extra[cost]), unit)}`;
  return (
    <p className="next">
      <span>
        Next better: <b>+{(next.top1_gain * 100).toFixed(2)} points</b> for {limited.map(extra).join(', ')}
      </span>
      <button type="button" className="quiet small" onClick={take}>
        Take it
      </button>
    </p>
  );
}

/** Limits that no subnet meets: the least that can be, and a button for each. */
function Infeasible({ question, error, onChange, clocks }: Props) {
  const least = leastOf(error);
  if (!least) return null;
  const ways: { text: string; question: Question }[] = [];
  question.tables.forEach((table, i) => {
    const min = least.latency[i];
    const limit = question.latency[i];
    if (min === undefined || limit == null || limit >= min) return;
    const up = roundUp(min);
    const latency = question.latency.map((old, at) => (at === i ? up : old));
    const of = question.tables.length > 1 ? ` on ${table}` : '';
    ways.push({ text: `Set latency${of} to ${up} ${unitOf(clocks[table])}`, question: { ...question, latency } });
  });
  for (const cost of OTHER_COSTS) {
    const min = least.others[cost];
    const limit = question.limits[cost];
    if (min === undefined || limit === null || limit >= min) continue;
    const up = roundUp(min);
    ways.push({
      text: `Set ${costs[cost].label} to ${up} ${costs[cost].unit}`,
      question: withLimit(question, cost, up),
    });
  }
  if (ways.length === 0 && question.goal === 'top1')
    for (const cost of COSTS) {
      const set = cost === 'latency_ms' ? question.latency[0] != null : question.limits[cost] !== null;
      if (set) ways.push({ text: `Drop the limit of ${costs[cost].label}`, question: withLimit(question, cost, null) });
    }
  return (
    <div className="problem" role="alert">
      <p>{problemText(error)}</p>
      <div className="actions">
        {ways.map(way => (
          <button key={way.text} type="button" onClick={() => onChange(way.question)}>
            {way.text}
          </button>
        ))}
      </div>
    </div>
  );
}

function Refusal(props: Props) {
  const { error } = props;
  if (leastOf(error)) return <Infeasible {...props} />;
  const command = error instanceof Problem && error.status === 409 ? error.body['command'] : null;
  return (
    <>
      <ProblemNote error={error} />
      {typeof command === 'string' && <CopyButton text={command} what="the command" label="Copy the command" />}
    </>
  );
}

/** What was found, or why nothing was. */
export function AnswerPanel(props: Props) {
  const { answer, error, stale } = props;
  const { search } = answer ?? {};
  return (
    <section className="card answer" aria-label="The answer" aria-busy={stale}>
      {error != null && <Refusal {...props} />}
      {!answer && error == null && <Loading what="the answer" />}
      {answer && (
        <div data-stale={stale}>
          <Figures answer={answer} question={props.question} clocks={props.clocks} />
          <Next {...props} answer={answer} />
          {search && (
            <p className="effort dim">
              {search.algorithm}: {count(search.evaluations)} subnets in {search.elapsed_ms.toFixed(0)} ms, seed{' '}
              {search.seed}
            </p>
          )}
        </div>
      )}
    </section>
  );
}
