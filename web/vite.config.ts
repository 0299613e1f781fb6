// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** What a first visit may load as script, gzipped, however it is split. */
const FIRST_LOAD_BYTES = 450 * 1024;

/** Fails the build when the first load grows past its limit. */
function limitFirstLoad(): Plugin {
  return {
    name: 'limit-first-load',
    apply: 'build',
    generateBundle(_, bundle) {
      const wanted = Object.values(bundle).flatMap(c => (c.type === 'chunk' && c.isEntry ? [c.fileName] : []));
      const seen = new Set<string>();
      let bytes = 0;
      for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
        const chunk = bundle[name];
        if (seen.has(name) || chunk?.type !== 'chunk') continue;
        seen.add(name);
        bytes += gzipSync(chunk.code).length;
        wanted.push(...chunk.imports);
      }
      if (bytes > FIRST_LOAD_BYTES)
        this.error(`the first load is ${bytes} bytes of script, gzipped: more than ${FIRST_LOAD_BYTES}`);
    },
  };
}

/** Puts FILE.gz beside each file that is worth it; the server sends it to those who take gzip. */
function precompress(): Plugin {
  let folder = '';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(html|js|css|svg)$/.test(entry)) continue;
        const path = join(folder, entry);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

/** `npm run dev` speaks to a running server: LATHE_SERVER, by default the one of this machine. Sign in as usual. */
const server = process.env['LATHE_SERVER'] ?? 'http://127.0.0.1:8420';

export default defineConfig({
  plugins: [react(), limitFirstLoad(), precompress()],
  // changeOrigin stays false: the server compares Origin with Host.
  server: { proxy: { '/v1': { target: server }, '/openapi.json': { target: server } } },
  build: {
    outDir: process.env['LATHE_WEB_OUT'] ?? '../build/web',
    emptyOutDir: true,
    rollupOptions: { input: ['index.html', 'docs.html'] },
    target: 'es2022',
    // The content security policy allows no other place for fonts and images than files, and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1700, // Swagger UI, which /docs alone loads
  },
  test: { environment: 'node' },
});
