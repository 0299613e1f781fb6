// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { Link } from 'wouter';
import { count, dateTime } from '../../components/format';
import { tableAddress } from './address';
import type { TableDetail, TableRef } from './queries';

/** All versions and their fingerprints beside each other; what differs from the version before is marked. */
export function VersionsView({ table, detail }: { table: TableRef; detail: TableDetail }) {
  const { versions } = detail;
  const names = [...new Set(versions.flatMap(v => Object.keys(v.fingerprint)))].sort();
  return (
    <div className="stack">
      <p className="dim">
        A fingerprint is what latencies depend on. Rows that were measured under another one start a new version; the
        versions never mix.
      </p>
      <div className="table-scroll" role="region" aria-label="Versions" tabIndex={0}>
        <table className="versions">
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">What</span>
              </th>
              {versions.map((v, i) => (
                <th key={v.version} scope="col">
                  <Link href={tableAddress({ ...table, version: i === 0 ? null : v.version })}>
                    version {v.version}
                  </Link>
                  {i > 0 && (
                    <Link
                      className="versions-compare"
                      href={tableAddress({ ...table, version: v.version }, 'compare', {
                        with: `${table.device}/${table.config}`,
                      })}
                    >
                      compare with the newest
                    </Link>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">rows</th>
              {versions.map(v => (
                <td key={v.version}>
                  {count(v.entries)}, {v.origin}
                </td>
              ))}
            </tr>
            <tr>
              <th scope="row">begun</th>
              {versions.map(v => (
                <td key={v.version}>{dateTime(Date.parse(v.created))}</td>
              ))}
            </tr>
            {names.map(name => (
              <tr key={name}>
                <th scope="row">{name.replaceAll('_', ' ')}</th>
                {versions.map((v, i) => {
                  const before = versions[i + 1];
                  const differs = before !== undefined && before.fingerprint[name] !== v.fingerprint[name];
                  return (
                    <td key={v.version} data-differs={differs}>
                      {String(v.fingerprint[name] ?? '–')}
                      {differs && <span className="visually-hidden"> (other than in version {before.version})</span>}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
