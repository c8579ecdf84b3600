import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../base/index.ts';
import { readCertificate } from './certificate.ts';
import { dayMs, yearMs } from './certificate-authority.ts';
import { type ClusterPki, type ClusterPkiOptions, ensureClusterPki } from './cluster-pki.ts';
import { ServiceAccountKeys } from './service-account-keys.ts';

let directory: string;
let clock: VirtualClock;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'knarr-pki-')), 'pki');
  clock = new VirtualClock();
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

const ensure = (changes: Partial<ClusterPkiOptions> = {}): Promise<ClusterPki> =>
  ensureClusterPki(directory, {
    clock,
    apiServerSans: ['api.example', '192.0.2.7'],
    serviceIps: ['10.96.0.1', 'fd00::1'],
    nodes: [{ name: 'node-1', addresses: ['192.0.2.7', 'fd00:1::7'] }],
    frontProxy: true,
    ...changes,
  });

/** Every pair of the set, by file name. */
function pairs(pki: ClusterPki): Record<string, string> {
  const { apiServer, apiServerKubeletClient, admin, controllerManager, scheduler, nodes, frontProxy } = pki;
  const node = nodes.get('node-1')!;
  const all = [apiServer, apiServerKubeletClient, admin, controllerManager, scheduler, node.client, node.serving, frontProxy!.client];
  return Object.fromEntries(all.map(({ certificateFile, certificate }) => [certificateFile.slice(directory.length + 1), certificate]));
}

describe('the keys and certificates of a cluster', () => {
  test('are those that kubeadm makes', async () => {
    const subjects = Object.entries(pairs(await ensure())).map(([file, certificate]) => {
      const { subject, extendedKeyUsages } = readCertificate(certificate);
      return [
        file,
        subject.commonName,
        subject.organizations.join(),
        extendedKeyUsages.join() === '1.3.6.1.5.5.7.3.1' ? 'server' : 'client',
      ];
    });
    expect(subjects).toEqual([
      ['apiserver.crt', 'kube-apiserver', '', 'server'],
      ['apiserver-kubelet-client.crt', 'kube-apiserver-kubelet-client', 'kubeadm:cluster-admins', 'client'],
      ['admin.crt', 'kubernetes-admin', 'system:masters', 'client'],
      ['controller-manager.crt', 'system:kube-controller-manager', '', 'client'],
      ['scheduler.crt', 'system:kube-scheduler', '', 'client'],
      ['nodes/node-1/kubelet-client.crt', 'system:node:node-1', 'system:nodes', 'client'],
      ['nodes/node-1/kubelet.crt', 'system:node:node-1', 'system:nodes', 'server'],
      ['front-proxy-client.crt', 'front-proxy-client', '', 'client'],
    ]);
  });

  test('name the API server and the nodes in every way they are reached', async () => {
    const pki = await ensure();
    expect(readCertificate(pki.apiServer.certificate)).toMatchObject({
      dnsNames: [
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
        'localhost',
        'api.example',
      ],
      ipAddresses: ['127.0.0.1', '::1', '10.96.0.1', 'fd00::1', '192.0.2.7'],
    });
    expect(readCertificate(pki.nodes.get('node-1')!.serving.certificate)).toMatchObject({
      dnsNames: ['node-1'],
      ipAddresses: ['192.0.2.7', 'fd00:1::7'],
    });
  });

  test('are readable by their owner only, and leave no temporary file', async () => {
    await ensure();
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    for (const entry of [...entries.map(({ parentPath, name }) => join(parentPath, name)), directory]) {
      const stat = statSync(entry);
      expect([entry, stat.mode & 0o777]).toEqual([entry, stat.isDirectory() ? 0o700 : 0o600]);
      expect(entry).not.toContain('.tmp');
    }
  });

  test('are read the second time, without the library that makes them', async () => {
    const pki = await ensure();
    expect(await ensure()).toEqual(pki);
    const door = new URL('index.ts', import.meta.url).href;
    const base = new URL('../base/index.ts', import.meta.url).href;
    const script = `
      const { ensureClusterPki } = await import(${JSON.stringify(door)});
      const { VirtualClock } = await import(${JSON.stringify(base)});
      const options = { clock: new VirtualClock(), apiServerSans: ['api.example'], serviceIps: ['10.96.0.1'] };
      await ensureClusterPki(${JSON.stringify(directory)}, options);
      console.log(typeof Reflect.defineMetadata);`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim()).toBe('undefined');
  });

  test('sign tokens that are believed after a restart', async () => {
    const token = new ServiceAccountKeys({ signingKey: (await ensure()).serviceAccount.signingKey }).sign({ sub: 'a' });
    expect(new ServiceAccountKeys({ signingKey: (await ensure()).serviceAccount.signingKey }).verify(token)).toEqual({ sub: 'a' });
  });

  test('are renewed when less than thirty days are left, by the same authority', async () => {
    const first = await ensure();
    expect(first.renewalDueMs).toBe(clock.now() + yearMs - 30 * dayMs);
    await clock.advance(yearMs - 30 * dayMs);
    expect(pairs(await ensure())).toEqual(pairs(first));
    await clock.advance(1000);
    const renewed = await ensure();
    expect(renewed.authority).toEqual(first.authority);
    for (const [file, certificate] of Object.entries(pairs(renewed))) {
      expect([file, certificate === pairs(first)[file]]).toEqual([file, false]);
      expect(readCertificate(certificate).notAfterMs).toBe(clock.now() + yearMs);
    }
    expect(renewed.serviceAccount).toEqual(first.serviceAccount);
  });

  test('follow a change of names: only what has to change is made anew', async () => {
    const first = pairs(await ensure());
    const second = pairs(await ensure({ apiServerSans: ['api.example', 'new.example'] }));
    expect(Object.keys(first).filter((file) => first[file] !== second[file])).toEqual(['apiserver.crt']);
    // Names that are not asked for any more do no harm.
    expect(pairs(await ensure({ apiServerSans: [] }))).toEqual(second);
  });

  test.each([
    ['a torn certificate', 'admin.crt', '-----BEGIN CERT'],
    ['a torn key', 'admin.key', ''],
    ['the key of a renewal that was cut short', 'admin.key', 'another'],
  ])('are repaired after %s', async (_, file, text) => {
    const pki = await ensure();
    writeFileSync(join(directory, file), text === 'another' ? pki.scheduler.key : text);
    const repaired = await ensure();
    expect(readCertificate(repaired.admin.certificate).x509.serialNumber).not.toBe(
      readCertificate(pki.admin.certificate).x509.serialNumber,
    );
    expect(repaired.scheduler).toEqual(pki.scheduler);
  });

  test('need the key of the authority only when something has to be made', async () => {
    const pki = await ensure();
    rmSync(pki.authority.keyFile);
    expect(await ensure()).toEqual(pki);
    await expect(ensure({ apiServerSans: ['new.example'] })).rejects.toMatchObject({
      code: 'AUTHORITY_UNUSABLE',
      message: expect.stringMatching(/ca\.key is not here to sign it$/),
    });
  });

  test('say so when the authority has expired, and do not replace it', async () => {
    const pki = await ensure();
    await clock.advance(10 * yearMs);
    await expect(ensure()).rejects.toMatchObject({ code: 'AUTHORITY_UNUSABLE', message: expect.stringContaining('expired') });
    expect(statSync(pki.authority.certificateFile).isFile()).toBe(true);
  });
});
