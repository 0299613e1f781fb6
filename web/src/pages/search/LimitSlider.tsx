// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useId, useState } from 'react';
import { fixed } from '../../components/format';
import type { Range } from './ranges';
import { STEPS, limitAt, positionOf } from './ranges';

/** A limit by slider or by number.
 *  @param value null: no limit; the slider is at its end then, and moving it sets one.
 *  @param used what the answer takes of it; null: unknown.
 *  @param standing what holds when there is no limit: what the board has.
 *  @param text of a figure. @param required it is what must be reached at least, and can't be done without. */
export function LimitSlider(props: {
  label: string;
  unit: string;
  value: number | null;
  range: Range | null;
  used: number | null;
  text: (value: number) => string;
  onChange: (value: number | null) => void;
  required?: boolean;
  standing?: number | null;
}) {
  const { label, unit, value, range, used, standing = null } = props;
  const holds = value ?? standing;
  const [typed, setTyped] = useState<string | null>(null);
  const id = useId();
  const type = (text: string) => {
    setTyped(text);
    const number = Number(text);
    if (text.trim() && Number.isFinite(number) && number > 0) props.onChange(number);
  };
  const share = holds !== null && used !== null && holds > 0 ? used / holds : null;
  const position = holds === null || !range ? STEPS : positionOf(holds, range);
  return (
    <div className="limit" data-on={value !== null}>
      <div className="limit-head">
        {props.required ? (
          <span className="limit-name">{label}</span>
        ) : (
          <label className="limit-name">
            <input
              type="checkbox"
              checked={value !== null}
              disabled={!range}
              onChange={e => props.onChange(e.target.checked && range ? (standing ?? limitAt(STEPS / 2, range)) : null)}
            />
            {label}
          </label>
        )}
        <input
          className="limit-number"
          inputMode="decimal"
          aria-label={`${label} limit in ${unit}`}
          aria-describedby={`${id}-use`}
          placeholder={standing === null ? 'none' : props.text(standing)}
          value={typed ?? (value === null ? '' : String(value))}
          onChange={e => type(e.target.value)}
          onBlur={() => setTyped(null)}
        />
        <span className="limit-unit">{unit}</span>
      </div>
      <input
        type="range"
        min={0}
        max={STEPS}
        value={position}
        disabled={!range}
        aria-label={`${label} limit`}
        aria-valuetext={holds === null ? 'no limit' : `${holds} ${unit}${value === null ? ', what the board has' : ''}`}
        onChange={e => range && props.onChange(limitAt(Number(e.target.value), range))}
      />
      <p className="limit-use" id={`${id}-use`}>
        <span>
          {used === null ? '\u00a0' : `${props.text(used)} ${unit} ${props.required ? 'reached' : 'used'}`}
          {share !== null && !props.required && `, ${fixed(share * 100, 1)} %`}
          {value === null && standing !== null && ' of what the board has'}
        </span>
        {range && (
          <span>
            {props.text(range.min)} to {props.text(range.max)}
          </span>
        )}
      </p>
    </div>
  );
}
