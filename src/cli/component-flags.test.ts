import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { collectExtraConfig, readComponentFlags } from './component-flags.ts';

const allFlagsOf = (...texts: string[]): ReturnType<typeof readComponentFlags> => {
  let extraConfig: ReturnType<typeof collectExtraConfig> = [];
  for (const text of texts) extraConfig = collectExtraConfig(text, extraConfig);
  return readComponentFlags({ extraConfig });
};

const flagsOf = async (...texts: string[]): Promise<unknown> => (await allFlagsOf(...texts)).apiserver;

describe('--extra-config', () => {
  test('is collected by flag', async () => {
    expect(await flagsOf('apiserver.anonymous-auth=false', 'apiserver.event-ttl=2h')).toEqual({
      'anonymous-auth': ['false'],
      'event-ttl': ['2h'],
    });
  });

  test('may be repeated, and forgets with a hyphen', async () => {
    expect(await flagsOf('apiserver.disable-admission-plugins=Priority', 'apiserver.disable-admission-plugins=RuntimeClass')).toEqual({
      'disable-admission-plugins': ['Priority', 'RuntimeClass'],
    });
    expect(await flagsOf('apiserver.event-ttl-')).toEqual({ 'event-ttl': [] });
  });

  test.each(['anonymous-auth=false', 'apiserver.anonymous-auth', 'apiserver', '=x', 'apiserver.=x'])('%s is not understood', (text) => {
    expect(() => collectExtraConfig(text)).toThrow('COMPONENT.FLAG=VALUE');
  });

  test('takes flags for components that take some', () => {
    expect(() => collectExtraConfig('kubelet.max-pods=5')).toThrow(
      'flags can be given to apiserver, controller-manager, scheduler, not to kubelet',
    );
  });

  test('keeps the components apart', async () => {
    expect(await allFlagsOf('apiserver.event-ttl=2h', 'controller-manager.controllers=*,-ttl')).toEqual({
      apiserver: { 'event-ttl': ['2h'] },
      'controller-manager': { controllers: ['*,-ttl'] },
    });
    await expect(allFlagsOf('controller-manager.controllers=*,foo', 'controller-manager.kubeconfig=/')).rejects.toThrow(
      /controller manager does not take these flags:\n {2}--kubeconfig cannot be given: the cluster sets it itself/,
    );
    await expect(allFlagsOf('controller-manager.controllers=*,foo')).rejects.toThrow('"foo" is not in the list of known controllers');
  });

  test('is looked at before anything starts', async () => {
    await expect(flagsOf('apiserver.anonymous-auth=maybe', 'apiserver.nonsense=1')).rejects.toThrow(
      /does not take these flags:\n {2}invalid argument "maybe" .*\n {2}unknown flag: --nonsense/,
    );
  });
});

test('files are looked into before anything starts', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-flags-'));
  try {
    const path = join(directory, 'tokens.csv');
    writeFileSync(path, 't,jane\n');
    await expect(flagsOf(`apiserver.token-auth-file=${path}`)).rejects.toThrow('--token-auth-file: token file');
    await expect(flagsOf(`apiserver.requestheader-client-ca-file=${path}`)).rejects.toThrow('holds no certificate');
    await expect(flagsOf(`apiserver.authentication-config=${path}`)).rejects.toThrow('--authentication-config: no Authentication');
    await expect(flagsOf('apiserver.token-auth-file=/no/such/file')).rejects.toThrow('no such file: /no/such/file');
    writeFileSync(path, 't,jane,u1\n');
    expect(await flagsOf(`apiserver.token-auth-file=${relative('.', path)}`)).toEqual({ 'token-auth-file': [path] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('what a file says', () => {
  const documents = {
    audit: { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Everything' }] },
    encryption: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name: 'k', secret: 'abc' }] } }] }],
    },
    admission: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AdmissionConfiguration',
      plugins: [{ name: 'PodSecurity', configuration: { apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'Nonsense' } }],
    },
    unbuilt: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AdmissionConfiguration',
      plugins: [{ name: 'ImagePolicyWebhook', configuration: {} }],
    },
  };

  test.each([
    ['audit-policy-file', 'audit', 'rules[0].level: Unsupported value: "Everything"'],
    ['encryption-provider-config', 'encryption', 'secrets must be base64 encoded'],
    ['admission-control-config-file', 'admission', 'configuration of admission plugin "PodSecurity"'],
    ['admission-control-config-file', 'unbuilt', 'admission plugin ImagePolicyWebhook is not supported'],
  ] as const)('%s: %s is told before anything starts', async (flag, document, fault) => {
    const directory = mkdtempSync(join(tmpdir(), 'knarr-flags-'));
    try {
      const path = join(directory, 'file.yaml');
      writeFileSync(path, JSON.stringify(documents[document]));
      await expect(flagsOf(`apiserver.${flag}=${path}`)).rejects.toThrow(
        expect.objectContaining({ message: expect.stringMatching(new RegExp(`^ {2}--${flag}: .*${RegExp.escape(fault)}`, 'm')) }),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

test('a file that is written is named from where the command is given', async () => {
  expect(await flagsOf('apiserver.audit-log-path=audit.log')).toEqual({ 'audit-log-path': [resolve('audit.log')] });
  expect(await flagsOf('apiserver.audit-log-path=-')).toEqual({ 'audit-log-path': ['-'] });
});

test('what was remembered is looked at again', async () => {
  const remembered = { apiserver: { 'event-ttl': ['2h'], 'token-auth-file': ['/no/such/file'] } };
  await expect(readComponentFlags({}, remembered)).rejects.toThrow('--token-auth-file: ENOENT');
  const forget = collectExtraConfig('apiserver.token-auth-file-');
  expect(await readComponentFlags({ extraConfig: forget }, remembered)).toEqual({ apiserver: { 'token-auth-file': [] } });
  expect(await readComponentFlags({}, { apiserver: { 'event-ttl': ['2h'] } })).toEqual({});
  await expect(readComponentFlags({}, { apiserver: { gone: ['2h'] } })).rejects.toThrow('unknown flag: --gone');
});

test('gates and runtime configuration are flags of their own', async () => {
  expect(await readComponentFlags({ featureGates: 'ImageVolume=false', runtimeConfig: 'api/all=true' })).toEqual({
    apiserver: { 'feature-gates': ['ImageVolume=false'], 'runtime-config': ['api/all=true'] },
  });
  expect(await readComponentFlags({ featureGates: '' })).toEqual({ apiserver: { 'feature-gates': [] } });
  expect(await readComponentFlags({})).toEqual({});
});
