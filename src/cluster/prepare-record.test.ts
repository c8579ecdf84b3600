import { expect, test } from 'vitest';
import type { EngineOptions } from './cluster-record.ts';
import { addressBlock } from './network/address-block.ts';
import { mergeFlags } from './cluster-record.ts';
import { mergeEngine } from './prepare-record.ts';

const before: EngineOptions = {
  registryMirrors: { 'docker.io': 'http://m' },
  registryCa: '/ca.crt',
  proxyEnv: { HTTPS_PROXY: 'http://p' },
};

test('what a later call does not speak of stays', () => {
  expect(mergeEngine(before, undefined, addressBlock(0))).toEqual(before);
  expect(mergeEngine(before, { registryMirrors: { 'quay.io': 'http://q' }, proxyEnv: {} }, addressBlock(0))).toEqual({
    ...before,
    registryMirrors: { 'quay.io': 'http://q' },
  });
  expect(mergeEngine(before, { registryMirrors: {}, registryCa: '/new.crt', proxyEnv: {} }, addressBlock(0)).registryCa).toBe('/new.crt');
});

test('whatever proxy is given, what is inside the cluster is reached without it', () => {
  const { proxyEnv } = mergeEngine(
    before,
    { registryMirrors: {}, proxyEnv: { HTTP_PROXY: 'http://x', no_proxy: 'corp.test' } },
    addressBlock(1),
  );
  expect(proxyEnv).toEqual({
    HTTP_PROXY: 'http://x',
    NO_PROXY: 'corp.test,127.0.0.1,localhost,10.200.1.0/24,10.243.0.0/16,10.97.0.0/16,.svc,.cluster.local',
    no_proxy: 'corp.test,127.0.0.1,localhost,10.200.1.0/24,10.243.0.0/16,10.97.0.0/16,.svc,.cluster.local',
  });
});

test('flags that are given take the place of those before, and one without values is forgotten', () => {
  expect(mergeFlags({ b: ['1'], a: ['x', 'y'] }, { b: ['2'], c: ['3'], a: [] })).toEqual({ b: ['2'], c: ['3'] });
  expect(mergeFlags({ a: ['x'] })).toEqual({ a: ['x'] });
});
