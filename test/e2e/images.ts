/** Images for the end-to-end tests, made here of Debian's packages: a toolbox of busybox, and a real Redis. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../src/base/index.ts';
import { knarr } from './knarr.ts';

export const toolbox = 'knarr.local/toolbox:1';
export const redis = 'knarr.local/redis:1';
/** `programs/netexec.ts`: tells who it is and who asks, and asks others. */
export const netexec = 'knarr.local/netexec:1';
/** The first of the container's `args` where a pod gives the program flags. */
export const netexecProgram = '/netexec.ts';

const applets =
  'sh cat echo ls mkdir rm sleep sync tar wget nc nslookup httpd hostname id env date head tail wc md5sum dd stty test touch kill ps seq printf true false grep sed awk'.split(
    ' ',
  );

export async function buildToolboxImage(home: string, cluster: string): Promise<void> {
  await withDirectory(async (root) => {
    mkdirSync(join(root, 'bin'));
    mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet));
    await knarr(home, ['image', 'build', '-t', toolbox, root, '--name', cluster, '--entrypoint', '/bin/sh', '--env', 'PATH=/bin']);
  });
}

/** This very Node with the libraries it needs, and the program. */
export async function buildNetexecImage(home: string, cluster: string): Promise<void> {
  await withDirectory(async (root) => {
    const { stdout } = await run(['ldd', process.execPath]);
    const libraries = stdout.match(/\/\S+\.so\S*/g) ?? [];
    for (const directory of ['bin', 'etc', 'tmp', 'lib', 'lib64']) mkdirSync(join(root, directory));
    for (const library of libraries) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      copyFileSync(library, join(root, library));
    }
    copyFileSync(process.execPath, join(root, 'bin/node'));
    copyFileSync(join(import.meta.dirname, 'programs/netexec.ts'), join(root, netexecProgram));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/false\n');
    const command = ['--entrypoint', '/bin/node', '--cmd', netexecProgram];
    await knarr(home, ['image', 'build', '-t', netexec, root, '--name', cluster, ...command]);
  });
}

/** Redis with the libraries it needs, unpacked from packages; the packages are kept in `cache`. */
export async function buildRedisImage(home: string, cluster: string, cache: string): Promise<void> {
  const packages = join(cache, 'redis-packages');
  if (!existsSync(join(packages, 'done'))) {
    mkdirSync(join(packages, 'partial'), { recursive: true });
    writeFileSync(join(packages, 'nothing-installed'), '');
    const options = [
      '-o',
      `Dir::State::status=${packages}/nothing-installed`,
      '-o',
      `Dir::Cache::archives=${packages}`,
      '-o',
      'Debug::NoLocking=1',
      '-o',
      'APT::Sandbox::User=root',
    ];
    const fetch = ['apt-get', '-y', '-q', '-d', '--no-install-recommends', ...options, 'install', 'redis-server', 'libc6'] as const;
    await run(['sh', '-c', `${fetch.join(' ')} || { apt-get -q update && ${fetch.join(' ')}; }`]);
    writeFileSync(join(packages, 'done'), '');
  }
  await withDirectory(async (root) => {
    // Debian's merged /usr: the links first, so that packages unpack through them.
    for (const directory of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(join(root, 'usr', directory), { recursive: true });
      symlinkSync(`usr/${directory}`, join(root, directory));
    }
    const wanted =
      /^(libc6|libgcc-s1|redis-|libatomic|libjemalloc|liblua|libsystemd|liblzf|libcap2|libgcrypt|libgpg-error|liblz4|liblzma|libzstd|libssl|libhiredis|lua-|gcc-12-base|libstdc)/;
    for (const archive of readdirSync(packages)) {
      if (!archive.endsWith('.deb') || !wanted.test(archive)) continue;
      await run(['sh', '-c', `dpkg-deb --fsys-tarfile '${join(packages, archive)}' | tar -x --keep-directory-symlink -C '${root}'`]);
    }
    mkdirSync(join(root, 'tmp'), { mode: 0o1777, recursive: true });
    mkdirSync(join(root, 'data'), { mode: 0o777 });
    for (const junk of ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/lib/x86_64-linux-gnu/gconv'])
      rmSync(join(root, junk), { recursive: true, force: true });
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/false\nredis:x:999:999::/data:/bin/false\n');
    const args = [
      '--entrypoint',
      '/usr/bin/redis-server',
      '--user',
      '999',
      '--workdir',
      '/data',
      '--cmd',
      '--protected-mode',
      '--cmd',
      'no',
    ];
    await knarr(home, ['image', 'build', '-t', redis, root, '--name', cluster, ...args]);
  });
}

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-e2e-image-'));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
