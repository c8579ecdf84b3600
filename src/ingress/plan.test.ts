import { expect, test } from 'vitest';
import type { corev1, networkingv1 } from '../api/index.ts';
import { findCulprits } from './bisect.ts';
import { planIngresses } from './plan.ts';
import { requestPath, siteOf } from './route-keys.ts';
import { slotOrders } from './runtime-changes.ts';
import { assignSlots, emptySlots, slotCount } from './server-slots.ts';

function ingress(name: string, spec: networkingv1.IngressSpec, annotations: Record<string, string> = {}): networkingv1.Ingress {
  const metadata = { name, namespace: 'default', uid: name, annotations } as unknown as networkingv1.Ingress['metadata'];
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec, status: {} };
}

function path(text: string, pathType: string, service: string): networkingv1.HTTPIngressPath {
  return { path: text, pathType, backend: to(service) };
}

const to = (name: string): networkingv1.IngressBackend => ({ service: { name, port: { number: 80 } } });
const known = (name: string): corev1.Service | undefined =>
  name.startsWith('gone')
    ? undefined
    : ({ spec: { type: name.startsWith('outside') ? 'ExternalName' : 'ClusterIP', ports: [{ port: 80 }] } } as unknown as corev1.Service);

/** The plan of these, oldest first, as lines. */
function planned(...ingresses: networkingv1.Ingress[]): string[] {
  const plan = planIngresses({ ingresses, serviceOf: (_, name) => known(name), secretOf: () => undefined });
  const routes = (['exact', 'prefix', 'defaults'] as const).flatMap((map) =>
    [...plan.maps[map]].map(([key, target]) => `${map} ${key} ${target}`),
  );
  return [...routes, ...plan.problems.map((problem) => `${problem.ingress.metadata.name}: ${problem.reason}: ${problem.message}`)];
}

test('rules become keys of maps, a prefix with a slash behind', () => {
  const rules = [
    { host: 'Foo.com', http: { paths: [path('/a', 'Exact', 'x'), path('/a/', 'Prefix', 'y'), path('', 'ImplementationSpecific', 'z')] } },
  ];
  expect(planned(ingress('one', { rules }))).toEqual([
    'exact foo.com/a 0:default_x_80',
    'prefix foo.com/a/ 0:default_y_80',
    'prefix foo.com/ 0:default_z_80',
  ]);
});

test('the oldest keeps what two want, and the other hears of it', () => {
  const rules = (service: string) => [{ host: 'foo.com', http: { paths: [path('/', 'Prefix', service)] } }];
  expect(planned(ingress('old', { rules: rules('x') }), ingress('new', { rules: rules('y') }))).toEqual([
    'prefix foo.com/ 0:default_x_80',
    'new: Conflict: host "foo.com" path "/" is served by Ingress "default/old" already',
  ]);
});

test('a default backend serves the hosts of its own rules, or all when there are none', () => {
  const rules = [{ host: 'foo.com' }];
  expect(planned(ingress('one', { rules, defaultBackend: to('x') }), ingress('two', { defaultBackend: to('y') }))).toEqual([
    'defaults foo.com 0:default_x_80',
    'defaults * 0:default_y_80',
  ]);
});

test('TLS sends plain HTTP away unless the annotation says no, and a missing Secret costs the certificate only', () => {
  const spec = {
    tls: [{ hosts: ['*.foo.com'], secretName: 'none' }],
    rules: [{ host: 'a.foo.com', http: { paths: [path('/', 'Prefix', 'x')] } }],
  };
  const missing = 'InvalidCertificate: Secret "default/none" does not exist: the default certificate is used';
  expect(planned(ingress('one', spec))).toEqual(['prefix a.foo.com/ 1:default_x_80', `one: ${missing}`]);
  expect(planned(ingress('one', spec, { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' }))[0]).toBe(
    'prefix a.foo.com/ 0:default_x_80',
  );
});

test.each([
  [to('gone'), 'Service "default/gone" does not exist'],
  [to('outside'), 'Service "default/outside" is of type ExternalName, which is not supported'],
  [{ service: { name: 'x', port: { name: 'http' } } }, 'Service "default/x" has no port "http"'],
  [{ resource: { kind: 'Bucket', name: 'b' } }, 'resource backends are not supported: Bucket "b"'],
])('a backend that leads nowhere takes its route, answers 503 and is told: %j', (backend, message) => {
  const rules = [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }];
  expect(planned(ingress('one', { rules }))).toEqual(['prefix */ 0:unavailable', `one: InvalidBackend: host "*" path "/": ${message}`]);
});

test.each([
  ['/a b', '/a%20b'],
  ['/%[env(HOME)]"\'', "/%%5Benv(HOME)%5D%22'"],
  ['/é', '/%C3%A9'],
  ['/a\nbackend x', undefined],
  ['/a\u0000', undefined],
  ['a', undefined],
  ['/\ud800', undefined],
  [`/${'a'.repeat(5000)}`, undefined],
])('a path holds only what a request can hold: %j', (text, expected) => {
  expect(requestPath(text)).toBe(expected);
});

test.each([
  ['FOO.com', 'foo.com'],
  ['*.foo.com', '*.foo.com'],
  ['foo.com\nbind :1', undefined],
  ['*', undefined],
  ['a.*.com', undefined],
  ['foo com', undefined],
  ['foo.com/', undefined],
])('a host is a name or nothing: %j', (text, expected) => {
  expect(siteOf(text)).toBe(expected);
});

test('an endpoint keeps its place; whoever comes is there before anybody leaves', () => {
  const before = assignSlots(emptySlots(slotCount(2)), ['10.0.0.1 80', '10.0.0.2 80'])!;
  const after = assignSlots(before, ['10.0.0.2 80', '10.0.0.3 80'])!;
  expect(after).toEqual([undefined, '10.0.0.2 80', '10.0.0.3 80', undefined]);
  expect(slotOrders('web', before, after)).toEqual([
    'set server web/s3 addr 10.0.0.3 port 80',
    'set server web/s3 state ready',
    'set server web/s1 state maint',
  ]);
  expect(assignSlots(before, ['1', '2', '3', '4', '5'])).toBeUndefined();
});

test.each([
  [[], []],
  [[3], [3]],
  [
    [0, 7],
    [0, 7],
  ],
])('of eight, %j are found to be the culprits', async (bad: number[], expected: number[]) => {
  const found = await findCulprits([0, 1, 2, 3, 4, 5, 6, 7], async (items) => !items.some((item) => bad.includes(item)));
  expect(found?.toSorted()).toEqual(expected);
});

test('when even nothing is refused it is nobody', async () => {
  expect(await findCulprits([1, 2], async () => false)).toBeUndefined();
});
