/** The example that `knarr start` runs: its image, built here from a shell script and busybox, and its manifests. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ctx } from '../base/index.ts';
import { ClusterError } from './cluster-error.ts';
import { findProgram } from './engine/programs.ts';
import { buildImage, type EngineAddress, inScratch, listImages } from './images/images.ts';

const example = fileURLToPath(new URL('../../examples/hello', import.meta.url));

export const helloImage = 'knarr.local/hello:1';
export const helloManifest: string = join(example, 'hello.yaml');

/** What the script uses; each is busybox under another name. */
const applets = ['sh', 'cat', 'echo', 'mkdir', 'httpd', 'ls', 'ps', 'sleep', 'wget', 'hostname', 'id', 'env', 'nslookup', 'vi', 'top'];

/** Builds the image into engines that do not have it. */
export async function ensureHelloImage(engines: readonly EngineAddress[], ctx: Ctx): Promise<void> {
  if ((await listImages(engines, ctx)).some(({ name }) => name === helloImage)) return;
  const busybox = findProgram('busybox', engines[0]?.home ?? '');
  if (!busybox) throw new ClusterError('busybox (package busybox-static) is not installed');
  await inScratch(async (scratch) => {
    const root = join(scratch, 'rootfs');
    mkdirSync(join(root, 'bin'), { recursive: true, mode: 0o755 });
    mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
    copyFileSync(busybox, join(root, 'bin/busybox'));
    for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet));
    cpSync(join(example, 'image'), root, { recursive: true });
    await buildImage(engines, { image: helloImage, directory: root, settings: { entrypoint: ['/serve'] } }, ctx);
  });
}

export function readHelloManifest(): string {
  return readFileSync(helloManifest, 'utf8');
}
