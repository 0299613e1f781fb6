// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useMemo } from 'react';
import { ms, percent } from '../../components/format';
import { shape } from '../../components/layer';
import { useUnit } from '../../components/unit';
import type { Block, Stage } from './drawing';
import { blockText, drawStages, heightOf, widthText } from './drawing';
import type { SpaceDetail, SubnetAnswer } from './queries';

function BlockBox({ block, stages }: { block: Block; stages: Stage[] }) {
  const unit = useUnit();
  const words = `${blockText(block)}: ${ms(block.latency_ms)} ${unit}`;
  return (
    <li
      className="block"
      data-kernel={block.expand === null ? undefined : (block.layer.kernel ?? undefined)}
      style={{ height: `${26 + 22 * heightOf(block, stages)}px` }}
      title={`${words}\n${block.layer.text}`}
    >
      <span aria-hidden="true">
        {block.label}
        {block.expand !== null && <small>e{block.expand}</small>}
      </span>
      <span className="visually-hidden">{words}</span>
    </li>
  );
}

/** The latency of a stage, block by block, on the scale of the slowest stage. */
function Bar({ stage, longest_ms }: { stage: Stage; longest_ms: number }) {
  const unit = useUnit();
  return (
    <div className="bar" aria-hidden="true">
      {stage.blocks.map(block => (
        <span
          key={block.slot}
          title={`${block.slot}: ${ms(block.latency_ms)} ${unit}`}
          style={{ width: `${(100 * block.latency_ms) / longest_ms}%` }}
        />
      ))}
    </div>
  );
}

function StageRow({ stage, stages, longest_ms }: { stage: Stage; stages: Stage[]; longest_ms: number }) {
  const unit = useUnit();
  return (
    <tr>
      <th scope="row">
        {stage.name}
        <small className="dim">
          {shape(stage.output)}
          {stage.squeezeExcite && ', SE'}
        </small>
      </th>
      <td>
        <ul className="blocks">
          {stage.blocks.map(block => (
            <BlockBox key={block.slot} block={block} stages={stages} />
          ))}
          {stage.skipped > 0 && (
            <li className="skipped" title={`${stage.skipped} of the space’s blocks are left out`}>
              <span aria-hidden="true">{'·'.repeat(stage.skipped)}</span>
              <span className="visually-hidden">{stage.skipped} left out</span>
            </li>
          )}
        </ul>
      </td>
      <td>
        <Bar stage={stage} longest_ms={longest_ms} />
      </td>
      <td data-numeric="true">
        {ms(stage.latency_ms)} {unit}
        <small className="dim">{percent(stage.share, 0)}</small>
      </td>
    </tr>
  );
}

/** The subnet stage by stage: each block by kernel (shade) and expand ratio (height), and what it takes. */
export function Drawing({ answer, space }: { answer: SubnetAnswer; space: SpaceDetail | undefined }) {
  const stages = useMemo(() => drawStages(answer, space), [answer, space]);
  const width = widthText(answer.subnet);
  const longest_ms = Math.max(...stages.map(s => s.latency_ms));
  const kernels = [
    ...new Set(
      stages.flatMap(s => s.blocks.flatMap(b => (b.expand !== null && b.layer.kernel ? [b.layer.kernel] : []))),
    ),
  ].sort((a, b) => a - b);
  return (
    <section className="card chosen" aria-label="The chosen subnet">
      <div className="card-head">
        <h2>The chosen subnet</h2>
        <p className="legend dim">
          {kernels.map(kernel => (
            <span key={kernel} className="key">
              <i className="swatch" data-kernel={kernel} />
              {kernel}×{kernel}
            </span>
          ))}
          <span>height: expand ratio</span>
          {width !== null && <span>{width}</span>}
        </p>
      </div>
      <table className="drawing">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">Blocks</th>
            <th scope="col">Share</th>
            <th scope="col">Latency</th>
          </tr>
        </thead>
        <tbody>
          {stages.map(stage => (
            <StageRow key={stage.name} stage={stage} stages={stages} longest_ms={longest_ms} />
          ))}
        </tbody>
      </table>
    </section>
  );
}
