// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import type { ReactNode } from 'react';
import { useState } from 'react';
import type { Space } from '../../api/types';
import { SelectField } from '../../components/Field';
import { percent } from '../../components/format';
import type { Clock } from '../../components/unit';
import { unitOf, useUnit } from '../../components/unit';
import type { BoardLimits } from './board';
import type { CostValues, Objective, OtherCost } from './costs';
import { COSTS, OTHER_COSTS, costOf, costText, costs, neverFits } from './costs';
import { LimitSlider } from './LimitSlider';
import type { Predictor } from './queries';
import type { Question } from './question';
import type { Ranges } from './ranges';
import { middleOf } from './ranges';
import { useNarrow } from './useNarrow';

interface PanelProps {
  question: Question;
  onChange: (question: Question) => void;
  /** All tables, as device/config. */
  tables: string[];
  /** Of the question's tables, as far as they are known. */
  clocks: Partial<Record<string, Clock>>;
  /** What boards have, where the question has tables of boards. */
  boards: BoardLimits;
  spaces: Space[];
  /** Of the question's space. */
  predictors: Predictor[];
  /** Resolutions that all tables have complete; null: not known yet. */
  complete: number[] | null;
  ranges: Ranges | null;
  /** Of the answer; null: there is none. */
  used: (CostValues & { top1: number | null; latencies_ms?: Record<string, number> }) | null;
}

function TablePicker({ question: q, onChange, tables }: PanelProps) {
  const free = tables.find(table => !q.tables.includes(table));
  const put = (at: number, table: string) => {
    const names = q.tables.map((old, i) => (i === at ? table : old));
    onChange({ ...q, tables: names, resolutions: [], latency: q.latency.map((old, i) => (i === at ? null : old)) });
  };
  const remove = (at: number) =>
    onChange({
      ...q,
      tables: q.tables.filter((_, i) => i !== at),
      latency: q.latency.filter((_, i) => i !== at),
      resolutions: [],
    });
  return (
    <>
      {q.tables.map((table, at) => (
        <div key={table} className="with-button">
          <SelectField label={at === 0 ? 'Table' : `Table ${at + 1}`} value={table} onChange={name => put(at, name)}>
            {!tables.includes(table) && <option value={table}>{table} (there is none)</option>}
            {tables.map(name => (
              <option key={name} value={name} disabled={name !== table && q.tables.includes(name)}>
                {name}
              </option>
            ))}
          </SelectField>
          {q.tables.length > 1 && (
            <button type="button" className="quiet" aria-label={`Leave out ${table}`} onClick={() => remove(at)}>
              ×
            </button>
          )}
        </div>
      ))}
      {free !== undefined && q.tables.length < 8 && (
        <button
          type="button"
          className="quiet add"
          onClick={() =>
            onChange({ ...q, tables: [...q.tables, free], latency: [...q.latency, null], resolutions: [] })
          }
        >
          + A second device for the same subnet
        </button>
      )}
    </>
  );
}

function Resolutions({ question: q, onChange, complete }: PanelProps) {
  // One that the address names is shown even where rows of it are missing, so that it can be taken back.
  const all = [...new Set([...(complete ?? []), ...q.resolutions])].sort((a, b) => a - b);
  if (!complete || all.length < 2) return null;
  const chosen = q.resolutions.length > 0 ? q.resolutions : complete;
  const toggle = (resolution: number) => {
    const next = all.filter(r => chosen.includes(r) !== (r === resolution));
    if (next.length > 0) onChange({ ...q, resolutions: next.join() === complete.join() ? [] : next });
  };
  return (
    <fieldset className="chips">
      <legend>Resolutions</legend>
      {all.map(resolution => (
        <button
          key={resolution}
          type="button"
          aria-pressed={chosen.includes(resolution)}
          onClick={() => toggle(resolution)}
        >
          {resolution}
        </button>
      ))}
    </fieldset>
  );
}

function LatencyLimits({ question: q, onChange, ranges, used, clocks }: PanelProps) {
  return (
    <fieldset className="limits">
      <legend>At most</legend>
      {q.tables.map((table, i) => (
        <LimitSlider
          key={table}
          label={q.tables.length > 1 ? table : 'Latency'}
          unit={unitOf(clocks[table])}
          value={q.latency[i] ?? null}
          range={ranges?.latency[i] ?? null}
          used={used && (used.latencies_ms?.[table] ?? used.latency_ms)}
          text={costs.latency_ms.text}
          onChange={value => onChange({ ...q, latency: q.latency.map((old, at) => (at === i ? value : old)) })}
        />
      ))}
    </fieldset>
  );
}

function OtherLimits({ question: q, onChange, ranges, used, boards }: PanelProps) {
  const able = (cost: OtherCost) => !ranges || !neverFits(cost, ranges.others[cost].min);
  return (
    <div className="limits">
      {OTHER_COSTS.filter(able).map(cost => (
        <LimitSlider
          key={cost}
          label={costs[cost].label}
          unit={costs[cost].unit}
          value={q.limits[cost]}
          standing={boards[cost] ?? null}
          range={ranges?.others[cost] ?? null}
          used={used && !neverFits(cost, used[cost]) ? used[cost] : null}
          text={costs[cost].text}
          onChange={value => onChange({ ...q, limits: { ...q.limits, [cost]: value } })}
        />
      ))}
    </div>
  );
}

/** The most accurate within limits, or the least of a cost for an accuracy. */
function Goal({ question: q, onChange, ranges, used }: PanelProps) {
  const choose = (goal: Objective) => {
    onChange({
      ...q,
      goal,
      minTop1: goal === 'top1' ? null : (q.minTop1 ?? (ranges?.top1 ? middleOf(ranges.top1) : null)),
    });
  };
  const percent = ranges?.top1 ? { min: ranges.top1.min * 100, max: ranges.top1.max * 100 } : null;
  return (
    <>
      <SelectField label="Find" value={q.goal} onChange={goal => choose(goal as Objective)}>
        <option value="top1">{q.predictor ? 'the most accurate subnet' : 'the subnet with most MACs'}</option>
        {COSTS.map(cost => (
          <option key={cost} value={costs[cost].objective} disabled={!q.predictor}>
            the least {costs[cost].label === 'MACs' ? 'MACs' : costs[cost].label.toLowerCase()}
          </option>
        ))}
      </SelectField>
      {costOf(q.goal) && (
        <LimitSlider
          label="Top-1 at least"
          unit="%"
          required
          value={q.minTop1 === null ? null : Number((q.minTop1 * 100).toFixed(4))}
          range={percent}
          used={used?.top1 == null ? null : used.top1 * 100}
          text={value => value.toFixed(2)}
          onChange={value => value !== null && onChange({ ...q, minTop1: Number((value / 100).toFixed(6)) })}
        />
      )}
    </>
  );
}

function More({ question: q, onChange, spaces, predictors }: PanelProps) {
  return (
    <>
      <SelectField
        label="Space"
        value={q.space}
        onChange={space => onChange({ ...q, space, predictor: '', resolutions: [] })}
      >
        {!spaces.some(s => s.id === q.space) && <option value={q.space}>{q.space}</option>}
        {spaces.map(space => (
          <option key={space.id} value={space.id}>
            {space.title}
          </option>
        ))}
      </SelectField>
      <SelectField
        label="Predictor of accuracy"
        value={q.predictor}
        onChange={predictor => onChange({ ...q, predictor })}
        disabled={predictors.length === 0}
      >
        {!predictors.some(p => p.id === q.predictor) && <option value={q.predictor}>{q.predictor || 'none'}</option>}
        {predictors.map(p => (
          <option key={p.id} value={p.id}>
            {p.id}
          </option>
        ))}
      </SelectField>
    </>
  );
}

/** Folded at first on a narrow screen, where the answer would be far below, unless something in it is set. */
function Fold({ title, set, children }: { title: string; set: boolean; children: ReactNode }) {
  const narrow = useNarrow();
  const [open, setOpen] = useState(!narrow || set);
  return (
    <details className="fold" open={open} onToggle={e => setOpen(e.currentTarget.open)}>
      <summary>{title}</summary>
      <div className="stack">{children}</div>
    </details>
  );
}

export function QuestionPanel(props: PanelProps) {
  const { question: q, used } = props;
  const unit = useUnit();
  return (
    <form className="card stack question" aria-label="What is searched" onSubmit={e => e.preventDefault()}>
      <TablePicker {...props} />
      <Goal {...props} />
      <LatencyLimits {...props} />
      <Fold title="Further limits" set={OTHER_COSTS.some(cost => q.limits[cost] !== null)}>
        <OtherLimits {...props} />
      </Fold>
      <Fold title="Space and predictor" set={q.resolutions.length > 0}>
        <More {...props} />
        <Resolutions {...props} />
      </Fold>
      {used && (
        <p className="answer-bar" aria-hidden="true">
          <b>{used.top1 === null ? costText('macs_m', used.macs_m, unit) : percent(used.top1, 2)}</b>{' '}
          {used.top1 === null ? 'MACs' : 'top-1'} at <b>{costText('latency_ms', used.latency_ms, unit)}</b>
        </p>
      )}
    </form>
  );
}
