/** What a process loads is most of its memory and of the time it takes to start, and one careless import can double it. */
import { run } from '../../base/index.ts';
import { expect, test } from 'vitest';

/** Names of the rooms and packages that importing `modules` loads, in a process of its own. */
async function loadedBy(...modules: readonly string[]): Promise<string[]> {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)|(src\\/.*)\\/[^/]+$/.exec(found.url);
        if (name) loaded.add(name[1] ?? name[2]);
        return found;
      },
    });
    for (const module of ${JSON.stringify(modules.map((module) => new URL(module, import.meta.url).href))}) await import(module);
    console.log([...loaded].join('\\n'));
    process.exit();`;
  const { stdout } = await run([process.execPath, '--input-type=module', '-e', script]);
  return stdout.trim().split('\n');
}

const startsWithOneOf =
  (...prefixes: string[]) =>
  (name: string): boolean =>
    prefixes.some((prefix) => name === prefix || name.startsWith(`${prefix}/`));

test('an agent loads nothing of the control plane and no package before it is needed', async () => {
  const loaded = await loadedBy('./agent.ts', '../../agent/index.ts');
  expect(loaded).toEqual(expect.arrayContaining(['src/kubelet', 'src/proxy', 'src/dns', 'src/network']));
  const ofTheControlPlane = startsWithOneOf('src/apiserver', 'src/controllers', 'src/scheduler', 'src/store', 'src/api/kinds', 'lmdb');
  expect(loaded.filter(ofTheControlPlane)).toEqual([]);
  const forLater = startsWithOneOf(
    'src/ingress',
    'src/api/openapi',
    'commander',
    'js-yaml',
    'ws',
    'fflate',
    '@peculiar/x509',
    '@opentelemetry/api',
  );
  expect(loaded.filter(forLater)).toEqual([]);
});

test('a control plane loads nothing of a node', async () => {
  const loaded = await loadedBy('./control-plane.ts');
  expect(loaded).toEqual(expect.arrayContaining(['src/apiserver', 'src/controllers', 'src/scheduler', 'src/store']));
  // Of DNS, where its Corefile is and what the usual one says.
  expect(loaded.filter(startsWithOneOf('src/kubelet', 'src/proxy', 'src/dns', 'src/network'))).toEqual(['src/dns/corefile']);
  const forLater = startsWithOneOf(
    'src/ingress',
    'src/api/openapi',
    'commander',
    'fflate',
    '@grpc/grpc-js',
    '@peculiar/x509',
    '@opentelemetry/api',
  );
  expect(loaded.filter(forLater)).toEqual([]);
});

test('`up` loads what it waits with only after it has started the processes', async () => {
  const loaded = await loadedBy('../up.ts');
  expect(loaded).toEqual(expect.arrayContaining(['src/cluster', 'src/pki']));
  expect(loaded.filter(startsWithOneOf('src/client', 'src/api', 'commander', 'js-yaml', 'fflate', 'pino', '@peculiar/x509'))).toEqual([]);
});

test('a thread that answers names loads no logs and no metrics', async () => {
  const loaded = await loadedBy('../../dns/server/dns-server.ts');
  // Of the API, label selectors, which come with its door.
  expect(loaded.filter(startsWithOneOf('src/client', 'src/api/kinds', 'src/api/openapi', 'pino', '@opentelemetry/api'))).toEqual([]);
});
