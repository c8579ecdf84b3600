/** Which Service a request reaches, asked of the real server, against what the documentation of Ingress says, told in another way. */
import { Agent } from 'node:http';
import { expect, test } from 'vitest';
import type { networkingv1 } from '../api/index.ts';
import { type Random, seededRandom } from '../base/index.ts';
import { backendOf, ingress, noHaproxy, pathTo, planOf, RealServer } from './testdata/real-server.ts';

const services = 6;
const rounds = 15;
const requests = 40;

/**
 * The Service of a request, by the Ingresses from the oldest to the youngest. Works on rules as they were written, one after the other:
 * knows nothing of keys and maps.
 */
function expected(ingresses: readonly networkingv1.Ingress[], host: string, path: string): string | undefined {
  const rules = ingresses.flatMap(({ spec }) => (spec.rules ?? []).map((rule) => ({ ...rule, otherwise: spec.defaultBackend })));
  const [, ...parent] = host.split('.');
  const candidates = [host, ...(parent.length > 0 ? [`*.${parent.join('.')}`] : [])];
  const site = candidates.find((name) => rules.some((rule) => rule.host?.toLowerCase() === name));
  const ours = rules.filter((rule) => rule.host?.toLowerCase() === site);
  const paths = ours.flatMap(({ http }) => http?.paths ?? []);
  const elements = (text: string): string[] => text.split('/').filter((element) => element !== '');
  const begins = (asked: readonly string[], wanted: readonly string[]): boolean => wanted.every((element, i) => asked[i] === element);
  const exact = paths.find((each) => each.pathType === 'Exact' && each.path === path);
  const prefixes = paths.filter((each) => each.pathType !== 'Exact' && begins(elements(path), elements(each.path ?? '')));
  const longest = Math.max(...prefixes.map((each) => elements(each.path ?? '').length));
  const prefix = prefixes.find((each) => elements(each.path ?? '').length === longest);
  const hostDefault = site === undefined ? undefined : ours.find(({ otherwise }) => otherwise)?.otherwise;
  const anyDefault = ingresses.find(({ spec }) => spec.defaultBackend && (!spec.rules || spec.rules.some((rule) => !rule.host)))?.spec
    .defaultBackend;
  return (exact?.backend ?? prefix?.backend ?? hostDefault ?? anyDefault)?.service?.name;
}

const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random.next() * values.length)]!;
const hosts = [undefined, 'a.example', 'B.example', '*.example', '*.a.example', 'c.a.example', 'example'] as const;
const askedHosts = ['a.example', 'b.example', 'c.a.example', 'd.a.example', 'e.d.a.example', 'other', 'example', 'x.example'];
const writtenPaths = ['/', '/a', '/a/', '/a/b', '/a/b/', '/a/bc', '/A', '/ab', '/a/b/c', '/%61', '/a.b'];
const askedPaths = [...writtenPaths, '/abc', '/a/b/cd', '/a/x', '/b', '/a/bc/d', '/a.b/c', '/axb'];

function someIngresses(random: Random): networkingv1.Ingress[] {
  const service = (): string => `web${Math.floor(random.next() * services)}`;
  return Array.from({ length: 1 + Math.floor(random.next() * 6) }, (_, i) => {
    const rules = Array.from({ length: Math.floor(random.next() * 4) }, () => {
      const paths = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () =>
        pathTo(pick(random, writtenPaths), pick(random, ['Exact', 'Prefix', 'ImplementationSpecific']), service()),
      );
      const host = pick(random, hosts);
      return { ...(host && { host }), http: { paths } };
    });
    const otherwise = rules.length === 0 || random.next() < 0.3;
    return ingress(`i${i}`, { ...(rules.length > 0 && { rules }), ...(otherwise && { defaultBackend: backendOf(service()) }) });
  });
}

test.skipIf(noHaproxy)('requests go where the documentation says, whatever Ingresses there are', { timeout: 30_000 }, async () => {
  await using server = await RealServer.start(services);
  using agents = new DisposableStack();
  const agent = agents.adopt(new Agent({ keepAlive: true, maxSockets: 4 }), (each) => each.destroy());
  let reached = 0;
  for (let seed = 1; seed <= rounds; seed++) {
    const random = seededRandom(seed);
    const ingresses = someIngresses(random);
    await server.tell(planOf(ingresses));
    const asked = Array.from({ length: requests }, () => ({ host: pick(random, askedHosts), path: pick(random, askedPaths) }));
    const answers = await Promise.all(
      asked.map(async ({ host, path }) => {
        const written = pick(random, [host, host.toUpperCase(), `${host}:80`, `${host}.`]);
        const { status, body } = await server.ask(written, `${path}${pick(random, ['', '?q=/a'])}`, { agent });
        return `${host}${path} ${status === 404 ? undefined : body}`;
      }),
    );
    expect(answers, `seed ${seed}: ${JSON.stringify(ingresses.map(({ spec }) => spec))}`).toEqual(
      asked.map(({ host, path }) => `${host}${path} ${expected(ingresses, host, path)}`),
    );
    reached += answers.filter((answer) => !answer.endsWith('undefined')).length;
  }
  // The question was one: most of the requests had somewhere to go, and some had not.
  expect(reached).toBeGreaterThan((rounds * requests) / 3);
  expect(reached).toBeLessThan(rounds * requests);
});
