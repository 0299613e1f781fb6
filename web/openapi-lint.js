// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
// node web/openapi-lint.js FILE: what Redocly's rules say of an OpenAPI description. Exit status 1: something.
import process from 'node:process';
import core from '@redocly/openapi-core';

const config = await core.createConfig({
  extends: ['recommended-strict'],
  rules: {
    'operation-description': 'error',
    'operation-operationId': 'error',
    'operation-tag-defined': 'error',
    'operation-singular-tag': 'error',
    'no-invalid-parameter-examples': 'error',
    'no-invalid-schema-examples': 'error',
    'paths-kebab-case': 'error',
  },
});
const problems = await core.lint({ ref: process.argv[2], config });
for (const p of problems)
  process.stderr.write(`${process.argv[2]}${p.location[0]?.pointer ?? ''}: ${p.message} (${p.ruleId})\n`);
process.exitCode = problems.length ? 1 : 0;
