import { readFileSync } from 'node:fs';

/** The version of the package. */
export const VERSION = readVersion();

function readVersion(): string {
  // Two folders up from src/app and from dist/app alike.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { readonly version: string }).version;
}
