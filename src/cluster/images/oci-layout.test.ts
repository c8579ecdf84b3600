import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildLayout, type ImageSettings } from './oci-layout.ts';

const { signal } = new AbortController();
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'knarr-layout-'));
  mkdirSync(join(scratch, 'rootfs'));
  writeFileSync(join(scratch, 'rootfs/-odd name'), 'x');
  symlinkSync('-odd name', join(scratch, 'rootfs/link'));
  chmodSync(join(scratch, 'rootfs'), 0o700);
});
afterEach(() => rmSync(scratch, { recursive: true }));

interface Blob {
  readonly manifests: readonly { readonly digest: string; readonly annotations: Record<string, string> }[];
  readonly config: {
    readonly digest: string;
    readonly Entrypoint?: string[];
    readonly Cmd?: string[];
    readonly Env?: string[];
    readonly User?: string;
  };
  readonly layers: readonly { readonly digest: string }[];
}

async function build(name: string, settings: ImageSettings, baseLayout?: string) {
  const layout = join(scratch, name);
  await buildLayout({
    layout,
    image: 'demo',
    directory: join(scratch, 'rootfs'),
    settings,
    signal,
    ...(baseLayout !== undefined && { baseLayout }),
  });
  const blob = (digest: string): string => join(layout, 'blobs/sha256', digest.slice(7));
  const read = (path: string): Blob => JSON.parse(readFileSync(path, 'utf8')) as Blob;
  const entry = read(join(layout, 'index.json')).manifests[0]!;
  const manifest = read(blob(entry.digest));
  return { layout, entry, manifest, config: read(blob(manifest.config.digest)).config, layer: blob(manifest.layers.at(-1)!.digest) };
}

describe('a directory becomes an image', () => {
  test('with every name in it, but not the directory itself', async () => {
    const { layer } = await build('a', {});
    expect(execFileSync('tar', ['-tf', layer], { encoding: 'utf8' }).trim().split('\n')).toEqual(['-odd name', 'link']);
  });

  test('under its full name, and the same bytes each time', async () => {
    const [first, second] = [await build('a', { cmd: ['x'] }), await build('b', { cmd: ['x'] })];
    expect(first.entry.annotations['io.containerd.image.name']).toBe('docker.io/library/demo:latest');
    expect(second.entry.digest).toBe(first.entry.digest);
  });

  test('on a base: layers add up, settings are inherited, a new entrypoint forgets the old arguments', async () => {
    const base = await build('base', { entrypoint: ['/old'], cmd: ['arg'], env: ['A=1', 'B=2'], user: '7' });
    const inherited = await build('inherited', { env: ['B=3'] }, base.layout);
    expect(inherited.manifest.layers).toHaveLength(2);
    expect(inherited.config).toMatchObject({ Entrypoint: ['/old'], Cmd: ['arg'], User: '7' });
    expect(inherited.config.Env?.slice(-2)).toEqual(['A=1', 'B=3']);
    const changed = await build('changed', { entrypoint: ['/new'] }, base.layout);
    expect(changed.config.Entrypoint).toEqual(['/new']);
    expect(changed.config.Cmd).toBeUndefined();
  });
});
