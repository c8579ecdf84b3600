/** Knarr's own version, and the Kubernetes version that it is. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Both `src/cluster` and `dist/cluster` stand two folders below the package's root.
const manifest = JSON.parse(readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')) as {
  readonly version: string;
};

export const knarrVersion: string = manifest.version;
/** What `/version` says; a hyphen in it would break version constraints of charts. */
export const kubernetesVersion: string = `v1.35.0+knarr.${knarrVersion}`;
