import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sleeper } from './manifests.ts';
import { adminKubeconfig, unavailable, untilPrinted, useKubectl } from './kubectl.ts';

interface Listed {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
    readonly data?: Record<string, string>;
  }[];
}

const settings = (data: Record<string, string>): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data });

describe.skipIf(unavailable)('kubectl v1.35 and objects', () => {
  const kubectl = useKubectl('e2e-objects');

  test('apply, client-side: creates, then configures, then leaves alone', async () => {
    expect(await kubectl(['apply', '-f', '-'], { input: settings({ a: '1', b: '2' }) })).toBe('configmap/settings created\n');
    expect(await kubectl(['apply', '-f', '-'], { input: settings({ a: '9' }) })).toBe('configmap/settings configured\n');
    expect(await kubectl(['apply', '-f', '-'], { input: settings({ a: '9' }) })).toBe('configmap/settings unchanged\n');
    expect((await kubectl.json<{ data: object }>(['get', 'configmap', 'settings'])).data).toEqual({ a: '9' });
  });

  test('apply, server-side: conflicts are told with their owner, force takes over', async () => {
    const mine = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared' }, data: { color: 'red' } });
    const theirs = mine.replace('"red"', '"blue"');
    expect(await kubectl(['apply', '--server-side', '--field-manager=me', '-f', '-'], { input: mine })).toBe(
      'configmap/shared serverside-applied\n',
    );
    const fault = await kubectl.failing(['apply', '--server-side', '--field-manager=them', '-f', '-'], { input: theirs });
    expect(fault).toContain('Apply failed with 1 conflict: conflict with "me": .data.color');
    await kubectl(['apply', '--server-side', '--field-manager=them', '--force-conflicts', '-f', '-'], { input: theirs });
    expect(await kubectl(['get', 'configmap', 'shared', '-o', 'jsonpath={.data.color}'])).toBe('blue');
  });

  test.each([
    [['-o', 'name'], 'configmap/shaped\n'],
    [['-o', 'jsonpath={.data.k}'], 'v'],
    [['-o', 'go-template={{.data.k}}'], 'v'],
    [['-o', 'custom-columns=N:.metadata.name,K:.data.k', '--no-headers'], 'shaped   v\n'],
  ])('get %s', async (form, expected) => {
    await kubectl(['apply', '-f', '-'], { input: settings({ k: 'v' }).replace('settings', 'shaped') });
    expect(await kubectl(['get', 'configmap', 'shaped', ...form])).toBe(expected);
  });

  test('get as a table, wide, yaml and json', async () => {
    await kubectl(['apply', '-f', '-'], { input: settings({ k: 'v' }).replace('settings', 'tabled') });
    expect(await kubectl(['get', 'configmap', 'tabled'])).toMatch(/^NAME +DATA +AGE\ntabled +1 +\S+\n$/);
    expect(await kubectl(['get', 'nodes', '-o', 'wide'])).toMatch(
      /NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME\n\S+ +Ready /,
    );
    expect(await kubectl(['get', 'configmap', 'tabled', '-o', 'yaml'])).toContain('data:\n  k: v\n');
    expect((await kubectl.json<Listed>(['get', 'configmaps'])).items.map(({ metadata }) => metadata.name)).toContain('tabled');
  });

  test('label, annotate and patch change just what they name', async () => {
    await kubectl(['create', 'configmap', 'marked', '--from-literal=a=1']);
    await kubectl(['label', 'configmap', 'marked', 'tier=gold']);
    await kubectl(['annotate', 'configmap', 'marked', 'note=hello world']);
    await kubectl(['patch', 'configmap', 'marked', '--type=merge', '-p', '{"data":{"b":"2"}}']);
    await kubectl(['patch', 'configmap', 'marked', '--type=json', '-p', '[{"op":"replace","path":"/data/a","value":"7"}]']);
    expect(await kubectl(['get', 'configmaps', '-l', 'tier=gold', '-o', 'name'])).toBe('configmap/marked\n');
    expect(await kubectl.json(['get', 'configmap', 'marked'])).toMatchObject({
      data: { a: '7', b: '2' },
      metadata: { annotations: { note: 'hello world' } },
    });
    expect(await kubectl.failing(['label', 'configmap', 'marked', 'tier=silver'])).toContain(
      "'tier' already has a value (gold), and --overwrite is false",
    );
    await kubectl(['label', 'configmap', 'marked', 'tier-']);
    expect(await kubectl(['get', 'configmaps', '-l', 'tier=gold', '-o', 'name'])).toBe('');
  });

  test('edit writes back what the editor left', async () => {
    await kubectl(['create', 'configmap', 'edited', '--from-literal=word=old']);
    expect(await kubectl(['edit', 'configmap', 'edited'], { env: { KUBE_EDITOR: "sed -i 's/word: old/word: new/'" } })).toBe(
      'configmap/edited edited\n',
    );
    expect(await kubectl(['get', 'configmap', 'edited', '-o', 'jsonpath={.data.word}'])).toBe('new');
  });

  test('diff shows the line that would change, and exits with 1', async () => {
    await kubectl(['apply', '-f', '-'], { input: settings({ k: 'old' }).replace('settings', 'differs') });
    const wanted = { input: settings({ k: 'new' }).replace('settings', 'differs') };
    await expect(kubectl(['diff', '-f', '-'], wanted)).rejects.toMatchObject({ exitCode: 1 });
    expect(await kubectl(['get', 'configmap', 'differs', '-o', 'jsonpath={.data.k}'])).toBe('old');
  });

  test('--dry-run=server validates and stores nothing', async () => {
    expect(await kubectl(['apply', '--dry-run=server', '-f', '-'], { input: settings({}).replace('settings', 'ghost') })).toBe(
      'configmap/ghost created (server dry run)\n',
    );
    expect(await kubectl.failing(['get', 'configmap', 'ghost'])).toBe('Error from server (NotFound): configmaps "ghost" not found\n');
    const bad = sleeper('Bad_Name');
    expect(await kubectl.failing(['apply', '--dry-run=server', '-f', '-'], { input: bad })).toContain(
      'metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain',
    );
  });

  test('unknown fields are errors, as kubectl asks for strict validation', async () => {
    const wrong = sleeper('typo').replace('"containers"', '"contaners":[],"containers"');
    expect(await kubectl.failing(['create', '-f', '-'], { input: wrong })).toContain(
      'strict decoding error: unknown field "spec.contaners"',
    );
  });

  test('explain knows fields, their types and paths', async () => {
    expect(await kubectl(['explain', 'pods.spec.containers.livenessProbe'])).toMatch(
      /KIND: +Pod\nVERSION: +v1\n\nFIELD: livenessProbe <Probe>/,
    );
    expect(await kubectl(['explain', 'deployment', '--recursive'])).toContain('rollingUpdate');
  });

  test('api-resources and api-versions list what is served', async () => {
    const resources = await kubectl(['api-resources']);
    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect(resources).toMatch(/^pods +po +v1 +true +Pod$/m);
    expect(await kubectl(['api-versions'])).toMatch(/^events\.k8s\.io\/v1$/m);
  });

  test('get --watch sees creation, change and deletion', async () => {
    const watch = kubectl.start(['get', 'configmaps', '-w', '--output-watch-events', '--field-selector', 'metadata.name=watched']);
    try {
      const seen = untilPrinted(watch.stdout, /DELETED/);
      await kubectl(['create', 'configmap', 'watched', '--from-literal=a=1']);
      await kubectl(['patch', 'configmap', 'watched', '-p', '{"data":{"b":"2"}}']);
      await kubectl(['delete', 'configmap', 'watched']);
      expect((await seen).match(/ADDED|MODIFIED|DELETED/g)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    } finally {
      watch.kill();
    }
  });

  test('delete by selector, and deleting what is not there', async () => {
    await kubectl(['create', 'configmap', 'gone-1', '--from-literal=a=1']);
    await kubectl(['label', 'configmap', 'gone-1', 'bin=yes']);
    expect(await kubectl(['delete', 'configmaps', '-l', 'bin=yes'])).toMatch(/^configmap "gone-1" deleted/);
    expect(await kubectl.failing(['delete', 'configmap', 'gone-1'])).toBe('Error from server (NotFound): configmaps "gone-1" not found\n');
    expect(await kubectl(['delete', 'configmap', 'gone-1', '--ignore-not-found'])).toBe('');
  });

  test('a ServiceAccount token is issued and lets its holder in, but nowhere', async () => {
    const token = (await kubectl(['create', 'token', 'default'])).trim();
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string };
    expect(claims.sub).toBe('system:serviceaccount:e2e-objects:default');
    const server = /server: (\S+)/.exec(readFileSync(adminKubeconfig(), 'utf8'))![1]!;
    const asAccount = ['--kubeconfig=/dev/null', `--server=${server}`, '--insecure-skip-tls-verify', `--token=${token}`];
    expect(await kubectl.failing([...asAccount, 'get', 'pods'])).toContain(
      'pods is forbidden: User "system:serviceaccount:e2e-objects:default" cannot list resource "pods"',
    );
  });
});
