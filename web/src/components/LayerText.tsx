// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useMemo } from 'react';
import { kindName, parseLayer, shape } from './layer';

/** A layer for people to read; its canonical text is the title. */
export function LayerText({ text }: { text: string }) {
  const layer = useMemo(() => parseLayer(text), [text]);
  const details = [
    layer.mid !== null && `mid ${layer.mid}`,
    layer.kernel !== null && `${layer.kernel}×${layer.kernel}`,
    layer.stride !== null && layer.stride > 1 && `stride ${layer.stride}`,
    layer.activation !== null && layer.activation !== 'none' && layer.activation,
    layer.se !== null && `SE ${layer.se}`,
    layer.residual && 'residual',
    layer.resolution !== null && `at ${layer.resolution}`,
  ].filter(Boolean);
  return (
    <span className="layer" title={text}>
      <b>{kindName(layer.kind)}</b> {shape(layer.input)} → {shape(layer.output)}
      {details.length > 0 && <span className="layer-details"> {details.join(', ')}</span>}
    </span>
  );
}
