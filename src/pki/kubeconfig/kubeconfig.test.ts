import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildKubeconfig, formatKubeconfig, mergeKubeconfigs, parseKubeconfig, resolveContext } from './kubeconfig.ts';

const admin = buildKubeconfig({
  cluster: 'knarr',
  server: 'https://127.0.0.1:6443',
  certificateAuthority: 'CA',
  user: 'kubernetes-admin',
  credentials: { certificate: 'CERT', key: 'KEY' },
});

describe('a kubeconfig', () => {
  test('is written as kubectl writes it', () => {
    expect(formatKubeconfig(admin)).toBe(`apiVersion: v1
clusters:
  - cluster:
      certificate-authority-data: Q0E=
      server: https://127.0.0.1:6443
    name: knarr
contexts:
  - context:
      cluster: knarr
      user: kubernetes-admin
    name: kubernetes-admin@knarr
current-context: kubernetes-admin@knarr
kind: Config
users:
  - name: kubernetes-admin
    user:
      client-certificate-data: Q0VSVA==
      client-key-data: S0VZ
`);
  });

  test('is read back as it was, with fields that nobody here knows', () => {
    expect(parseKubeconfig(formatKubeconfig(admin))).toEqual(admin);
    const text = 'preferences: {colors: true}\nclusters:\n- name: a\n  cluster: {server: x, extensions: [{name: e}]}\n';
    expect(parseKubeconfig(text)).toMatchObject({
      preferences: { colors: true },
      clusters: [{ name: 'a', cluster: { server: 'x', extensions: [{ name: 'e' }] } }],
      users: [],
      'current-context': '',
    });
    expect(parseKubeconfig('')).toEqual({ apiVersion: 'v1', kind: 'Config', clusters: [], contexts: [], users: [], 'current-context': '' });
  });

  test.each([
    ['a: [', /is not YAML/],
    ['- a', /must be an object/],
    ['kind: Pod', /no kind "Pod" of version "v1"/],
    ['apiVersion: v2', /of version "v2"/],
    ['current-context: 7', /current-context must be a string/],
    ['clusters: {}', /clusters must be a list/],
    ['users: [{user: {}}]', /users\[0\] must have a name/],
    ['contexts: [{name: a, context: 1}]', /contexts\[0\].context must be an object/],
    ['users: [{name: a, user: {token: 12}}]', /user "a": token must be a string/],
    ['clusters: [{name: a, cluster: {server: [1]}}]', /cluster "a": server must be a string/],
  ])('is not %j', (text, message) => {
    expect(() => parseKubeconfig(text, 'file')).toThrow(message);
  });

  test('merges with others: of one name the first wins, and so does the first current context', () => {
    const first = parseKubeconfig('clusters: [{name: a, cluster: {server: one}}]\nusers: [{name: u, user: {token: x}}]');
    const second = parseKubeconfig(
      'clusters: [{name: a, cluster: {server: two}}, {name: b, cluster: {server: three}}]\ncurrent-context: c\nextra: kept',
    );
    expect(mergeKubeconfigs([first, second])).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'a', cluster: { server: 'one' } },
        { name: 'b', cluster: { server: 'three' } },
      ],
      contexts: [],
      users: [{ name: 'u', user: { token: 'x' } }],
      'current-context': 'c',
      extra: 'kept',
    });
  });
});

describe('a context', () => {
  test('resolves to what a client needs', () => {
    expect(resolveContext(admin, { directory: '/' })).toEqual({
      server: 'https://127.0.0.1:6443',
      certificateAuthority: 'CA',
      clientCertificate: { certificate: 'CERT', key: 'KEY' },
      insecureSkipTlsVerify: false,
      namespace: 'default',
    });
  });

  test('finds files beside its kubeconfig, and prefers what is embedded', () => {
    const directory = mkdtempSync(join(tmpdir(), 'knarr-kubeconfig-'));
    try {
      writeFileSync(join(directory, 'ca.crt'), 'from file');
      writeFileSync(join(directory, 'user.crt'), 'not this one');
      const config = parseKubeconfig(`
clusters: [{name: c, cluster: {server: s, certificate-authority: ca.crt, tls-server-name: kubernetes, proxy-url: 'http://p'}}]
contexts: [{name: x, context: {cluster: c, user: u, namespace: apps}}]
users: [{name: u, user: {client-certificate: user.crt, client-certificate-data: Q0VSVA==, client-key-data: S0VZ, tokenFile: token, as: jane, as-groups: [dev]}}]
`);
      expect(resolveContext(config, { context: 'x', directory })).toEqual({
        server: 's',
        certificateAuthority: 'from file',
        tlsServerName: 'kubernetes',
        proxyUrl: 'http://p',
        clientCertificate: { certificate: 'CERT', key: 'KEY' },
        tokenFile: join(directory, 'token'),
        impersonate: { user: 'jane', groups: ['dev'] },
        insecureSkipTlsVerify: false,
        namespace: 'apps',
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each([
    ['', undefined, 'no current context is set'],
    ['current-context: gone', undefined, 'context "gone" does not exist'],
    ['contexts: [{name: x, context: {cluster: c, user: u}}]', 'x', 'cluster "c" does not exist'],
    [
      'clusters: [{name: c, cluster: {server: s, certificate-authority: /none/ca}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]',
      'x',
      'unable to read certificate-authority /none/ca',
    ],
    [
      'clusters: [{name: c, cluster: {server: s}}]\nusers: [{name: u, user: {exec: {command: aws}}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]',
      'x',
      'user "u": credentials by exec are not supported',
    ],
  ])('of %j is refused by name', (text, context, message) => {
    expect(() => resolveContext(parseKubeconfig(text), { directory: '/', ...(context !== undefined && { context }) })).toThrow(message);
  });
});
