/** Knarr's own version, as its package says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Both `src/base` and `dist/base` stand two folders below the package's root.
const manifest = JSON.parse(readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')) as {
  readonly version: string;
};

export const knarrVersion: string = manifest.version;
