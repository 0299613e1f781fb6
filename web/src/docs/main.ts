// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
// The reference at /docs: openapi.json, shown by Swagger UI, which keeps to the page's content security policy as it is. What
// is tried out there goes to this server with the page's session, as every call from the same origin does.
import 'swagger-ui-dist/swagger-ui.css';
import '../styles/tokens.css';
import './docs.css';
import { answer, api } from '../api/client';
import { Problem } from '../api/problem';
import { startTheme } from '../app/theme';

async function sessionText(): Promise<string> {
  try {
    const session = await answer(api.GET('/v1/session'));
    return `Signed in as ${session.name} (${session.role}): calls that you try out are made with your session.`;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    return 'Not signed in: sign in on the page, or give a token by Authorize, to try calls out.';
  }
}

async function showSession() {
  const line = document.getElementById('session');
  if (line) line.textContent = await sessionText().catch((error: unknown) => String(error));
}

async function showReference() {
  const { default: SwaggerUI } = await import('swagger-ui-dist/swagger-ui-bundle.js');
  SwaggerUI({
    url: '/openapi.json',
    dom_id: '#reference',
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: 'list',
    filter: true,
    showExtensions: true, // x-roles
    tryItOutEnabled: true,
    validatorUrl: null, // which would ask another host
  });
}

/** Swagger UI's dark colours, where the page is dark. */
function followTheme() {
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const dress = () => {
    const theme = document.documentElement.dataset['theme'];
    document.documentElement.classList.toggle('dark-mode', theme ? theme === 'dark' : system.matches);
  };
  system.addEventListener('change', dress);
  dress();
}

startTheme();
followTheme();
void showSession();
void showReference();
