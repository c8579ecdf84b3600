/** What a person types: every subcommand against a real cluster, right calls and wrong ones, and machines on which something is missing. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { run, systemClock } from '../../src/base/index.ts';
import { buildLayout } from '../../src/cluster/images/oci-layout.ts';
import { pauseProgram } from '../../src/cluster/images/pause-program.ts';
import { CertificateAuthority } from '../../src/pki/index.ts';
import { startRegistry } from '../support/registry.ts';
import { toolbox } from './images.ts';
import { launcher } from './knarr.ts';
import { unavailable, untilPrinted, useKubectl } from './kubectl.ts';
import { web } from './manifests.ts';
import { OwnCluster, type Status } from './own-cluster.ts';

const { signal } = new AbortController();

describe.skipIf(unavailable)('the knarr command', () => {
  const kubectl = useKubectl('e2e-commands');
  let cluster: OwnCluster;
  let scratch: string;

  beforeAll(() => {
    if (unavailable) return;
    cluster = new OwnCluster({ home: inject('e2eHome'), name: inject('e2eCluster') });
    scratch = mkdtempSync(join(tmpdir(), 'knarr-commands-'));
    // Users other than root come here too.
    chmodSync(scratch, 0o755);
  });
  afterAll(() => {
    if (!unavailable) rmSync(scratch, { recursive: true, force: true });
  });

  test('status is a table for people and JSON for programs', async () => {
    const table = await cluster.knarr(['status']);
    expect(table).toMatch(/^cluster \S+: running, https:\/\/127\.0\.0\.1:\d+\n\nCOMPONENT +PID +MEMORY +VERSION +READY\n/);
    expect(table).toMatch(/^control-plane +\d+ +\d+ MiB +\S+ +yes$/m);
    expect(table).toMatch(
      /\nNODE +ADDRESS +READY +TRUE CONDITIONS\n\S+-1 +10\.200\.\d+\.11 +yes +Ready\n\S+-2 +10\.200\.\d+\.12 +yes +Ready\n$/,
    );
    const json = JSON.parse(await cluster.knarr(['status', '-o', 'json'])) as Status & { running: boolean };
    expect(json.running).toBe(true);
    expect(json.components.map(({ name }) => name)).toEqual(['control-plane', 'agent-1', 'containerd-1', 'agent-2', 'containerd-2']);
  });

  test('kubeconfig prints a file that works', async () => {
    const file = join(scratch, 'printed.kubeconfig');
    writeFileSync(file, await cluster.knarr(['kubeconfig']), { mode: 0o600 });
    expect((await run([inject('kubectl'), '--kubeconfig', file, 'get', 'nodes', '-o', 'name'])).stdout).toBe(
      `node/${cluster.name}-1\nnode/${cluster.name}-2\n`,
    );
    expect((await run([launcher, 'kubectl', '--name', cluster.name, 'get', 'ns', 'default', '-o', 'name'], inHome())).stdout).toBe(
      'namespace/default\n',
    );
  });

  test('logs prints what a component wrote, -f goes on, an unknown one is told the known ones', async () => {
    expect(await cluster.knarr(['logs', 'control-plane'])).toContain('control plane is up');
    const following = cluster.start(['logs', '-f', 'agent-1']);
    await untilPrinted(following.stdout!, /agent is up/);
    const ended = new Promise((resolve) => following.once('close', resolve));
    following.kill('SIGINT');
    await ended;
    expect(await cluster.failing(['logs', 'kubelet'])).toContain('there are: agent-1, agent-2, containerd-1, containerd-2, control-plane');
  });

  test('published ports lead to a NodePort and to a hostPort, from loopback and from the own address', async () => {
    await kubectl(['apply', '-f', '-'], { input: web({ replicas: 1 }) });
    await kubectl(['expose', 'deployment', 'web', '--port=80', '--target-port=http', '--type=NodePort']);
    await kubectl(['apply', '-f', '-'], { input: hostPortPodOn(`${cluster.name}-1`) });
    const nodePort = await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}']);
    const [first, second] = [await freePort(), await freePort()];
    await cluster.up('--publish', `${first}:${nodePort}`, '--publish', `${second}:18182`);
    await kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s']);
    await kubectl(['wait', 'pod/host-port', '--for=condition=Ready', '--timeout=60s']);
    for (const address of ['127.0.0.1', ...ownAddresses()])
      for (const [port, answer] of [
        [first, /^v1 web-/],
        [second, /^from a host port/],
      ] as const)
        await expect.poll(() => fetchText(`http://${address}:${port}/`), { timeout: 10_000 }).toMatch(answer);
  });

  test('a port that somebody listens on is not taken away', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, () => resolve((server.address() as { readonly port: number }).port)),
    );
    expect(await cluster.failing(['up', '--no-kubeconfig', '--publish', `${port}:30000`])).toContain(
      `port ${port} cannot be published: a program listens on it`,
    );
    server.close();
  });

  test('an image is built on another, with its user, directory and environment', async () => {
    const directory = join(scratch, 'content');
    mkdirSync(join(directory, 'srv'), { recursive: true, mode: 0o755 });
    writeFileSync(join(directory, 'srv/hello'), 'hello from a layer\n', { mode: 0o644 });
    const image = 'knarr.local/built:1';
    const script = 'echo $GREETING; pwd; id -u; cat hello; exec sleep 1000';
    const settings = ['--from', toolbox, '--user', '65534', '--workdir', '/srv', '--env', 'GREETING=hi', '--cmd', '-c', '--cmd', script];
    expect(await cluster.said(['image', 'build', '-t', image, directory, ...settings])).toBe(`built ${image}\n`);
    await kubectl(['run', 'built', `--image=${image}`]);
    await expect.poll(() => kubectl(['logs', 'built']).catch(String), { timeout: 20_000 }).toBe('hi\n/srv\n65534\nhello from a layer\n');
    expect(await cluster.knarr(['image', 'ls'])).toMatch(/^knarr\.local\/built:1 +[0-9a-f]{12} +\d+\.\d MB$/m);
    await kubectl(['delete', 'pod', 'built', '--now']);
    expect(await cluster.said(['image', 'rm', image])).toBe(`removed ${image}\n`);
    expect(await cluster.knarr(['image', 'ls'])).not.toContain(image);
    expect(await cluster.failing(['image', 'rm', image])).toContain(`there is no image ${image}`);
    expect(await cluster.failing(['image', 'build', '-t', image, directory, '--from', 'knarr.local/nobody:1'])).toContain(
      'the base image knarr.local/nobody:1 is not in the engine',
    );
    expect(await cluster.failing(['image', 'build', '-t', 'Not An Image', directory])).toContain('not an image name: "Not An Image"');
    expect(await cluster.failing(['image', 'build', '-t', image, join(scratch, 'nowhere')])).toContain('not a directory');
  });

  test('archives are loaded, of the OCI and of the Docker kind; what is none is told of', async () => {
    const oci = join(scratch, 'oci.tar');
    await cluster.engine(['images', 'export', oci, toolbox]);
    expect(await cluster.said(['image', 'load', oci])).toBe(`loaded ${oci}\n`);
    const docker = await dockerArchive(scratch, 'knarr.local/docker:1');
    expect(await cluster.said(['image', 'load', docker])).toBe(`loaded ${docker}\n`);
    await kubectl(['run', 'docker', '--image=knarr.local/docker:1']);
    await kubectl(['wait', 'pod/docker', '--for=condition=Ready', '--timeout=30s']);
    const broken = join(scratch, 'broken.tar');
    writeFileSync(broken, 'this is no archive');
    expect(await cluster.failing(['image', 'load', broken])).toMatch(/^knarr: cannot load .*broken\.tar: /);
    expect(await cluster.failing(['image', 'load', join(scratch, 'missing.tar')])).toContain('no such file');
  });

  test('a mirror stands in for a registry, from the next pull on', async () => {
    const layout = await pauseLayout(scratch);
    await using registry = await startRegistry(layout);
    await cluster.up('--registry-mirror', `registry.test=http://${hostIp(cluster)}:${registry.port}`);
    await kubectl(['run', 'mirrored', '--image=registry.test/team/app:1']);
    await kubectl(['wait', 'pod/mirrored', '--for=condition=Ready', '--timeout=30s']);
    expect(registry.asked.some((path) => path.startsWith('/v2/team/app/manifests/1'))).toBe(true);
  });

  test('a registry is verified with the authority that was given', async () => {
    const authority = await CertificateAuthority.create({ clock: systemClock, commonName: 'registry test' });
    const { certificate, key } = await authority.issue({
      subject: { commonName: 'registry' },
      usage: 'server',
      ipAddresses: [hostIp(cluster)],
    });
    const ca = join(scratch, 'registry-ca.crt');
    writeFileSync(ca, authority.certificate);
    await using registry = await startRegistry(await pauseLayout(scratch), { cert: certificate, key });
    const image = `${hostIp(cluster)}:${registry.port}/team/app:2`;
    await kubectl(['run', 'distrusted', `--image=${image}`]);
    await expect
      .poll(() => kubectl(['get', 'pod', 'distrusted', '-o', 'jsonpath={.status.containerStatuses[0].state.waiting.message}']), {
        timeout: 20_000,
      })
      .toContain('certificate');
    await cluster.up('--registry-ca', ca);
    await kubectl(['run', 'trusted', `--image=${image}`]);
    await kubectl(['wait', 'pod/trusted', '--for=condition=Ready', '--timeout=30s']);
  });

  test.each([
    ['a command that is none', ['nonsense'], "unknown command 'nonsense'"],
    ['no command', [], 'Commands:'],
    ['an option that is none', ['up', '--nonsense'], "unknown option '--nonsense'"],
    ['a port that is none', ['up', '--publish', '80'], 'HOST_PORT:NODE_PORT'],
    ['a mirror without URL', ['up', '--registry-mirror', 'docker.io'], 'HOST=URL'],
    ['a name that would lead elsewhere', ['delete', '--name', '../..'], "a cluster's name is at most 32"],
    ['an output format that is none', ['status', '-o', 'yaml'], 'Allowed choices are json'],
    ['too much', ['down', 'now'], 'too many arguments'],
    ['an image command without its image', ['image', 'rm'], "missing required argument 'image'"],
    ['a variable without value', ['image', 'build', '-t', 'x', '/', '--env', 'X'], 'NAME=VALUE'],
  ])('%s is a wrong call: exit code 2, the reason and the usage', async (_, args, reason) => {
    const call = run([launcher, ...args], inHome());
    await expect(call).rejects.toMatchObject({ exitCode: 2 });
    const { stderr } = await call.catch((error: { readonly stderr: string }) => error);
    expect(stderr).toContain(reason);
    expect(stderr).toMatch(/^Usage: knarr/m);
  });

  test('a cluster that is not there: every command says how to start it', async () => {
    for (const args of [['status'], ['kubeconfig'], ['logs', 'x'], ['image', 'ls'], ['kubectl', 'get', 'pods']]) {
      const named = args[0] === 'kubectl' ? ['kubectl', '--name', 'nobody', 'get', 'pods'] : [...args, '--name', 'nobody'];
      await expect(run([launcher, ...named], inHome())).rejects.toMatchObject({
        exitCode: 1,
        stderr: 'knarr: there is no cluster "nobody"; start one with: knarr up --name nobody\n',
      });
    }
  });

  test('without root up and start say that root is needed', async () => {
    const home = join(scratch, 'nobody');
    mkdirSync(home, { mode: 0o777 });
    chmodSync(home, 0o777);
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', `HOME=${home}`, `KNARR_HOME=${home}`] as const;
    await expect(run([...asNobody, launcher, 'up'])).rejects.toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('sudo') as string,
    });
    // Somebody else's home is not theirs to look into.
    chmodSync(cluster.home, 0o700);
    const elsewhere = [...asNobody.slice(0, -1), `KNARR_HOME=${cluster.home}`] as unknown as readonly [string, ...string[]];
    await expect(run([...elsewhere, launcher, 'status', '--name', cluster.name])).rejects.toMatchObject({ exitCode: 1 });
  });

  test('without a container engine up says what to install', async () => {
    const hidden = ['containerd', 'ctr', 'runc'].map((program) => `mount --bind /dev/null "$(command -v ${program})"`);
    const script = `${hidden.join('; ')}; exec "$@"`;
    const call = run(['unshare', '--mount', 'sh', '-ec', script, 'sh', launcher, 'up', '--name', 'nobody'], inHome());
    await expect(call).rejects.toMatchObject({ exitCode: 1 });
    const { stderr } = await call.catch((error: { readonly stderr: string }) => error);
    expect(stderr).toMatch(/containerd .*the container engine/);
    expect(stderr).toMatch(/apt-get install .*containerd.*runc/);
    expect(stderr).toContain('knarr install');
  });

  test("under sudo the context goes into the user's own kubeconfig, beside what was there", async () => {
    const file = join(scratch, 'sudo/config');
    mkdirSync(join(scratch, 'sudo'), { mode: 0o777 });
    writeFileSync(file, 'apiVersion: v1\nkind: Config\ncontexts:\n- name: mine\n  context: {cluster: c, user: u}\ncurrent-context: mine\n');
    const env = { SUDO_UID: '65534', SUDO_GID: '65534', SUDO_USER: 'nobody', KUBECONFIG: file };
    await cluster.knarr(['up'], { env });
    expect(statSync(file)).toMatchObject({ uid: 65_534, gid: 65_534 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const contexts = await run([inject('kubectl'), 'config', 'get-contexts', '-o', 'name'], { env: { KUBECONFIG: file } });
    expect(contexts.stdout).toBe(`knarr-${cluster.name}\nmine\n`);
    expect((await run([inject('kubectl'), 'get', 'nodes', '-o', 'name'], { env: { KUBECONFIG: file } })).stdout).toContain(cluster.name);
  });

  function inHome(): { readonly env: Readonly<Record<string, string>> } {
    return { env: { KNARR_HOME: inject('e2eHome') } };
  }
});

/** Published ports lead to the first node. */
const hostPortPodOn = (nodeName: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'host-port' },
    spec: {
      nodeName,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: toolbox,
          args: ['-c', 'mkdir -p /tmp/www; echo from a host port > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'],
          ports: [{ containerPort: 8080, hostPort: 18_182 }],
        },
      ],
    },
  });

/** The bridge's address: how a node reaches the host. */
function hostIp(cluster: OwnCluster): string {
  return (JSON.parse(readFileSync(join(cluster.directory, 'cluster.json'), 'utf8')) as { network: { hostIp: string } }).network.hostIp;
}

/** Addresses of this machine to the outside; none of clusters. */
function ownAddresses(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    name.startsWith('kn-')
      ? []
      : (addresses ?? []).filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A page, or why there is none. */
function fetchText(url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 2000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (error) => resolve(String(error)));
  });
}

/** An unpacked layout of an image that sleeps. */
async function pauseLayout(scratch: string): Promise<string> {
  const directory = mkdtempSync(join(scratch, 'pause-'));
  const layout = mkdtempSync(join(scratch, 'layout-'));
  writeFileSync(join(directory, 'pause'), pauseProgram(), { mode: 0o755 });
  await buildLayout({ layout, image: 'any:1', directory, settings: { entrypoint: ['/pause'] }, signal });
  return layout;
}

/** What `docker save` writes. @source image specification 1.2 of moby: manifest.json, a configuration, a tar a layer */
async function dockerArchive(scratch: string, name: string): Promise<string> {
  const root = mkdtempSync(join(scratch, 'docker-'));
  writeFileSync(join(root, 'pause'), pauseProgram(), { mode: 0o755 });
  await run(['tar', '-C', root, '-cf', join(root, 'layer.tar'), 'pause']);
  const diffId = createHash('sha256')
    .update(readFileSync(join(root, 'layer.tar')))
    .digest('hex');
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  writeFileSync(
    join(root, 'config.json'),
    JSON.stringify({
      architecture,
      os: 'linux',
      config: { Entrypoint: ['/pause'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
    }),
  );
  writeFileSync(join(root, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]));
  const archive = join(scratch, 'docker.tar');
  await run(['tar', '-C', root, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar']);
  return archive;
}
