// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { isPassing } from './api/problem';
import { App } from './app/App';
import { startTheme } from './app/theme';
import { Toasts } from './components/Toasts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/components.css';

startTheme();

// Events keep answers fresh (app/events.ts): an answer never grows stale by itself.
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && isPassing(error),
    },
  },
});

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
      <Toasts />
    </QueryClientProvider>
  </StrictMode>,
);
