// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { useState } from 'react';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { CopyButton } from '../../components/CopyButton';
import { Loading, ProblemNote } from '../../components/Notes';
import type { Subnet, SubnetAnswer } from './queries';
import type { Question } from './question';
import { commandText, curlText } from './takeaway';

const FORMS = {
  netConfig: { label: 'net.config', what: 'OFA’s net.config', file: 'net.config' },
  json: { label: 'JSON', what: 'the answer as JSON', file: 'subnet.json' },
  curl: { label: 'curl', what: 'the curl command', file: null },
  command: { label: 'lathe', what: 'the lathe command', file: null },
} as const;
type Form = keyof typeof FORMS;

const netConfigQuery = (subnet: Subnet) =>
  queryOptions({
    queryKey: ['net-config', subnet],
    queryFn: async () => JSON.stringify(await answer(api.POST('/v1/net-configs', { body: { subnet } })), null, 2),
  });

function save(text: string, name: string) {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

function Text({ form, text }: { form: Form; text: string }) {
  const { what, file } = FORMS[form];
  return (
    <>
      <pre tabIndex={0} role="group" aria-label={what}>
        {text}
      </pre>
      <div className="actions">
        <CopyButton text={text} what={what} />
        {file && (
          <button type="button" className="quiet copy" onClick={() => save(text, file)}>
            Save as {file}
          </button>
        )}
      </div>
    </>
  );
}

function NetConfig({ subnet }: { subnet: Subnet }) {
  const text = useQuery(netConfigQuery(subnet));
  if (text.isPending) return <Loading what="the net.config" />;
  if (text.isError) return <ProblemNote error={text.error} />;
  return <Text form="netConfig" text={text.data} />;
}

/** The chosen subnet and its search, to go on with elsewhere. */
export function TakeAway({ question, chosen }: { question: Question; chosen: SubnetAnswer }) {
  const [form, setForm] = useState<Form>('curl');
  const verify = chosen.verified !== undefined;
  return (
    <section className="card takeaway" aria-label="Take it along">
      <h2>Take it along</h2>
      <div className="tabs" role="group" aria-label="Form">
        {(Object.keys(FORMS) as Form[]).map(name => (
          <button key={name} type="button" aria-pressed={form === name} onClick={() => setForm(name)}>
            {FORMS[name].label}
          </button>
        ))}
      </div>
      {form === 'netConfig' && <NetConfig subnet={chosen.subnet} />}
      {form === 'json' && <Text form="json" text={JSON.stringify(chosen, null, 2)} />}
      {form === 'curl' && <Text form="curl" text={curlText(question, window.location.origin, verify)} />}
      {form === 'command' && <Text form="command" text={commandText(question, verify)} />}
    </section>
  );
}
