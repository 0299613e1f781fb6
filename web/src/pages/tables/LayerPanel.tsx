// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useEffect, useRef } from 'react';
import { useQuery } from '@tanstack/react-query';
import { CopyButton } from '../../components/CopyButton';
import { count, ms, percent } from '../../components/format';
import { LayerText } from '../../components/LayerText';
import { NightsHistory } from '../../components/NightsHistory';
import { Loading, ProblemNote } from '../../components/Notes';
import { useUnit } from '../../components/unit';
import type { PlacedRow } from './filter';
import { LayerHistory } from './LayerHistory';
import { placeText } from './places';
import type { TableDetail, TableRef } from './queries';
import { historyQuery, samplesQuery } from './queries';
import { SampleCharts } from './SampleCharts';
import { VisitConditions } from './VisitConditions';

function Figures({ row }: { row: PlacedRow }) {
  const unit = useUnit();
  const place = placeText(row.places);
  const resolutions = row.places.flatMap(p => p.resolutions);
  const figures: [string, string][] = [
    [
      'Latency',
      `${ms(row.latency)} ${unit}${row.ci === null ? '' : ` ± ${ms(row.ci)} (${percent(row.ci / row.latency)})`}`,
    ],
    ['Median', `${ms(row.p50)} ${unit}`],
    ['90th percentile', `${ms(row.p90)} ${unit}`],
    ['Least', `${ms(row.min)} ${unit}`],
    [
      'Deviation',
      row.std === null || row.mean === null
        ? '–'
        : `${ms(row.std)} ${unit} (${percent(row.std / row.mean)} of the mean)`,
    ],
    [
      'Samples',
      row.alone ? `${count(row.count)}, timed alone` : `${count(row.count)} in ${count(row.contexts)} networks`,
    ],
    [
      'In the space',
      place ? `${place}${resolutions.length ? `, at ${resolutions.join(', ')}` : ''}` : 'not a layer of it',
    ],
  ];
  return (
    <dl className="row-figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What the version was measured with. */
function Fingerprint({ detail }: { detail: TableDetail }) {
  const names = Object.keys(detail.fingerprint).sort();
  return (
    <details>
      <summary>Fingerprint of version {detail.version}</summary>
      <dl className="row-figures">
        {names.map(name => (
          <div key={name}>
            <dt>{name.replaceAll('_', ' ')}</dt>
            <dd>{String(detail.fingerprint[name])}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

/** Takes the focus from the table's row that it was opened by, and gives it back. */
function useFocus(onClose: () => void) {
  const panel = useRef<HTMLElement>(null);
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const from = document.activeElement;
    if (!(from instanceof HTMLElement) || !from.closest('.table-scroll')) return;
    row.current = from;
    panel.current?.focus();
  }, []);
  const close = () => {
    if (row.current?.isConnected) row.current.focus();
    onClose();
  };
  return { panel, close };
}

/** What is known of one row: figures, samples, what the device was like, versions. @param row undefined: the version
 *  shown does not have it. */
export function LayerPanel(props: {
  table: TableRef;
  detail: TableDetail;
  layer: string;
  row: PlacedRow | undefined;
  onClose: () => void;
}) {
  const { table, layer, row } = props;
  const samples = useQuery(samplesQuery(table, layer));
  const history = useQuery(historyQuery(table, layer));
  const { panel, close } = useFocus(props.onClose);
  return (
    <aside
      ref={panel}
      className="layer-panel card stack"
      aria-label="The layer"
      tabIndex={-1}
      onKeyDown={e => e.key === 'Escape' && close()}
    >
      <div className="layer-head">
        <h2>
          <LayerText text={layer} />
        </h2>
        <button type="button" className="quiet" aria-label="Close the layer" onClick={close}>
          ×
        </button>
      </div>
      <p className="layer-text">
        <code>{layer}</code> <CopyButton text={layer} what="the layer" />
      </p>
      {row ? <Figures row={row} /> : <p>This version does not have the row.</p>}
      {row?.doubt && <p className="note-bad">Implausible: {row.doubt.detail}.</p>}
      <section>
        <h3>Samples</h3>
        {samples.isPending && <Loading what="samples" />}
        {samples.isError && <ProblemNote error={samples.error} retry={() => void samples.refetch()} />}
        {samples.data &&
          (samples.data.visits.length === 0 ? (
            <p className="dim">Imported rows come without samples.</p>
          ) : (
            <SampleCharts visits={samples.data.visits} row={row} />
          ))}
      </section>
      {samples.data && samples.data.visits.length > 0 && (
        <section>
          <h3>While it was measured</h3>
          <VisitConditions visits={samples.data.visits} reference={samples.data.reference} />
        </section>
      )}
      <section>
        <h3>Versions</h3>
        {history.isPending && <Loading what="versions" />}
        {history.isError && <ProblemNote error={history.error} retry={() => void history.refetch()} />}
        {history.data && <LayerHistory entries={history.data} />}
      </section>
      <section>
        <h3>Nights</h3>
        <NightsHistory device={table.device} config={table.config} layer={layer} what="Latency" />
      </section>
      <Fingerprint detail={props.detail} />
    </aside>
  );
}
