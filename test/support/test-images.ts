/** Images for tests with a real engine, made on this machine without a registry: pause, and busybox with all its applets. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/base/index.ts';
import { buildLayout, packLayout } from '../../src/cluster/images/oci-layout.ts';
import { pauseProgram } from '../../src/cluster/images/pause-program.ts';

export const testPauseImage = 'registry.k8s.io/pause:3.10';
export const testBusyboxImage = 'docker.io/library/busybox:test';
/** The same content as busybox, with `USER 1000` in its configuration. */
export const testUserImage = 'docker.io/library/busybox-user:test';

/** Imports the test images into the engine at `socket`. */
export async function loadTestImages(socket: string, signal: AbortSignal): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'knarr-test-images-'));
  try {
    const pause = join(scratch, 'pause');
    mkdirSync(pause);
    writeFileSync(join(pause, 'pause'), pauseProgram(), { mode: 0o755 });
    await importImage(socket, { image: testPauseImage, directory: pause, entrypoint: ['/pause'] }, signal);
    const busybox = await busyboxRoot(scratch, signal);
    await importImage(socket, { image: testBusyboxImage, directory: busybox, cmd: ['sh'] }, signal);
    await importImage(socket, { image: testUserImage, directory: busybox, cmd: ['sh'], user: '1000' }, signal);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface TestImage {
  readonly image: string;
  readonly directory: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly user?: string;
}

async function importImage(socket: string, { image, directory, ...settings }: TestImage, signal: AbortSignal): Promise<void> {
  const layout = mkdtempSync(join(directory, '..', 'layout-'));
  await buildLayout({ layout, image, directory, settings, signal });
  await packLayout(layout, `${layout}.tar`, signal);
  await run(['ctr', '-a', socket, '-n', 'k8s.io', 'images', 'import', `${layout}.tar`], { signal });
}

async function busyboxRoot(scratch: string, signal: AbortSignal): Promise<string> {
  const program = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync);
  if (!program) throw new Error('busybox-static is not installed');
  const root = join(scratch, 'busybox');
  for (const directory of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys', 'var/www']) mkdirSync(join(root, directory), { recursive: true });
  copyFileSync(program, join(root, 'bin/busybox'));
  const { stdout } = await run([program, '--list'], { signal });
  for (const applet of stdout.split('\n')) if (applet && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n');
  await run(['chmod', '1777', join(root, 'tmp')], { signal });
  return root;
}
