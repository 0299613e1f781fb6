// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { queryOptions, useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import type { Space, TableSummary } from '../../api/types';
import { count } from '../../components/format';
import type { ProfileForm } from './profileForm';

/** How much of the asked resolutions a table has. */
const coverageQuery = (device: string, config: string, space: string, resolutions: number[]) =>
  queryOptions({
    queryKey: ['table', 'of', `${device}/${config}`, 'coverage', space, resolutions],
    queryFn: () =>
      answer(
        api.GET('/v1/tables/{device}/{config}/coverage', {
          params: { path: { device, config }, query: { space, resolutions: resolutions.join(',') } },
        }),
      ),
  });

function Covered({ form, table }: { form: ProfileForm; table: TableSummary }) {
  const resolutions = [...form.resolutions].sort((a, b) => a - b);
  const coverage = useQuery(coverageQuery(table.device, table.config, form.space, resolutions));
  if (!coverage.data) return null;
  const { rows_present: present, rows_total: total } = coverage.data;
  return (
    <>
      {present === total
        ? `The table has all ${count(total)} rows: only those that are less precise than asked are measured.`
        : `The table has ${count(present)} of ${count(total)} rows: the other ${count(total - present)} are measured.`}
    </>
  );
}

/** What a profile would have to measure. @param table absent: there is none yet. */
export function MissingRows(props: { form: ProfileForm; space: Space; table: TableSummary | undefined }) {
  const { form, space, table } = props;
  return (
    <p className="note" role="status">
      {table ? (
        <Covered form={form} table={table} />
      ) : (
        // Rows that resolutions share count once: at most so many.
        `A new table, of up to ${count(space.rows_per_resolution * form.resolutions.length)} rows.`
      )}
    </p>
  );
}
