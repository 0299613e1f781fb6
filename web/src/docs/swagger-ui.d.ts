// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Lathe authors
/** What the reference uses of Swagger UI's options (docs/usage/configuration.md of its repository). */
declare module 'swagger-ui-dist/swagger-ui-bundle.js' {
  interface Options {
    url: string;
    dom_id: string;
    deepLinking: boolean;
    displayRequestDuration: boolean;
    docExpansion: 'list' | 'full' | 'none';
    filter: boolean;
    showExtensions: boolean;
    tryItOutEnabled: boolean;
    validatorUrl: string | null;
  }
  const SwaggerUI: (options: Options) => unknown;
  export default SwaggerUI;
}
