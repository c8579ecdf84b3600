/** Versions that are served only when `--runtime-config` says so show the objects of the stable one. */
import { expect, test } from 'vitest';
import { startTestServer } from './harness.ts';

test('a beta version is a view of the stable one, and warns', async () => {
  await using server = await startTestServer();
  const spec = { cidrs: ['10.200.0.0/24'] };
  const beta = '/apis/networking.k8s.io/v1beta1/servicecidrs';
  const made = await server.http('POST', beta, {
    apiVersion: 'networking.k8s.io/v1beta1',
    kind: 'ServiceCIDR',
    metadata: { name: 'a' },
    spec,
  });
  expect(made.status).toBe(201);
  expect(made.headers['warning']).toBe('299 - "networking.k8s.io/v1beta1 ServiceCIDR is deprecated in v1.34+, unavailable in v1.37+"');
  const stable = await server.http('GET', '/apis/networking.k8s.io/v1/servicecidrs/a');
  expect(stable.json).toMatchObject({ apiVersion: 'networking.k8s.io/v1', spec });
  expect((await server.http('GET', `${beta}/a`)).json).toMatchObject({ apiVersion: 'networking.k8s.io/v1beta1', spec });
});
