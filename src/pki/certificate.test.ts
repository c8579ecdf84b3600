import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, systemClock } from '../base/index.ts';
import { ensureClusterPki } from './cluster-pki.ts';

test('TLS works in a process that has read a certificate first', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-pki-'));
  try {
    const { authority } = await ensureClusterPki(directory, { clock: systemClock, apiServerSans: [], serviceIps: [] });
    const script = `
      import { readFileSync } from 'node:fs';
      const { readCertificate } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
      readCertificate(readFileSync(${JSON.stringify(authority.certificateFile)}, 'utf8'));
      const { createSecureContext } = await import('node:tls');
      createSecureContext({});
      console.log('made');`;
    expect((await run([process.execPath, '--input-type=module', '-e', script])).stdout).toBe('made\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
