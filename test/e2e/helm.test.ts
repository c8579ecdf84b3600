import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ProcessError, run } from '../../src/base/index.ts';
import { adminKubeconfig, unavailable, useKubectl } from './kubectl.ts';

const charts = join(import.meta.dirname, 'charts');

describe.skipIf(unavailable)('Helm', () => {
  const kubectl = useKubectl('e2e-helm');
  let home = '';
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'kn-helm-'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const helm = async (args: readonly string[], namespace = kubectl.namespace): Promise<string> => {
    const env = { ...process.env, HOME: home, KUBECONFIG: adminKubeconfig() };
    return (await run([inject('helm'), ...args, '--namespace', namespace], { env })).stdout;
  };
  const failing = async (args: readonly string[]): Promise<string> => {
    try {
      await helm(args);
    } catch (error) {
      if (error instanceof ProcessError) return error.stderr;
      throw error;
    }
    throw new Error(`helm ${args.join(' ')} did not fail`);
  };
  const field = (what: readonly string[], path: string, namespace = kubectl.namespace): Promise<string> =>
    kubectl(['get', ...what, '-n', namespace, '-o', `jsonpath=${path}`]);

  test('installs, tests, upgrades, rolls back and uninstalls an application', async () => {
    const chart = join(charts, 'web');
    expect(await helm(['lint', chart])).toContain('1 chart(s) linted, 0 chart(s) failed');
    const installed = await helm(['install', 'site', chart, '--wait', '--timeout', '90s']);
    expect(installed).toContain('STATUS: deployed');
    expect(installed).toContain('site says hello.');
    expect(await field(['deployment', 'site'], '{.status.readyReplicas}')).toBe('2');
    expect(await field(['hpa', 'site'], '{.spec.minReplicas}')).toBe('2');
    expect(await helm(['test', 'site', '--timeout', '90s'])).toContain('Phase:          Succeeded');
    await helm(['upgrade', 'site', chart, '--set', 'greeting=ahoy,replicas=1', '--wait', '--timeout', '90s']);
    expect(await field(['configmap', 'site'], '{.data.index\\.html}')).toBe('ahoy 2\n');
    expect(await field(['deployment', 'site'], '{.spec.replicas}')).toBe('1');
    expect(await helm(['test', 'site', '--timeout', '90s'])).toContain('Phase:          Succeeded');
    expect(JSON.parse(await helm(['history', 'site', '-o', 'json']))).toMatchObject([
      { revision: 1, status: 'superseded' },
      { revision: 2, status: 'deployed' },
    ]);
    // What no longer stands in the chart goes; what is rolled back comes again.
    await helm(['upgrade', 'site', chart, '--reuse-values', '--set', 'autoscaling=false', '--wait', '--timeout', '90s']);
    expect(await kubectl.failing(['get', 'hpa', 'site'])).toContain('NotFound');
    await helm(['rollback', 'site', '1', '--wait', '--timeout', '90s']);
    expect(await field(['configmap', 'site'], '{.data.index\\.html}')).toBe('hello 1\n');
    expect(await field(['hpa', 'site'], '{.spec.minReplicas}')).toBe('2');
    // A release that cannot become ready is taken back.
    const refused = await failing([
      'upgrade',
      'site',
      chart,
      '--set',
      'image=knarr.local/nothing:1',
      '--rollback-on-failure',
      '--timeout',
      '8s',
    ]);
    expect(refused).toContain('has been rolled back');
    expect(await field(['deployment', 'site'], '{.spec.template.spec.containers[0].image}')).toBe('knarr.local/toolbox:1');
    expect(await helm(['uninstall', 'site', '--wait', '--timeout', '90s'])).toContain('release "site" uninstalled');
    expect(
      await kubectl([
        'get',
        'deployments,services,configmaps,pdb,networkpolicies,ingresses,hpa,roles',
        '-l',
        'app.kubernetes.io/instance=site',
      ]),
    ).toBe('');
  });

  test('installs a chart with a chart inside, hooks and a namespace of its own', async () => {
    const chart = join(charts, 'platform');
    const namespace = 'e2e-helm-team';
    await helm(['install', 'team', chart, '--create-namespace', '--wait', '--timeout', '60s'], namespace);
    expect(await field(['configmap', 'settings'], '{.data.level}', namespace)).toBe('info');
    expect(await field(['configmap', 'hook-post-install'], '{.data.revision}', namespace)).toBe('1');
    const password = await field(['secret', 'generated'], '{.data.password}', namespace);
    await helm(['upgrade', 'team', chart, '--set', 'settings.level=debug,pods=20', '--wait', '--timeout', '60s'], namespace);
    expect(await field(['configmap', 'settings'], '{.data.level}', namespace)).toBe('debug');
    expect(await field(['resourcequota', 'team'], '{.spec.hard.pods}', namespace)).toBe('20');
    expect(await field(['secret', 'generated'], '{.data.password}', namespace)).toBe(password);
    await helm(['upgrade', 'team', chart, '--set', 'settings.enabled=false'], namespace);
    expect(await kubectl.failing(['get', 'configmap', 'settings', '-n', namespace])).toContain('NotFound');
    await helm(['rollback', 'team', '2'], namespace);
    expect(await field(['configmap', 'hook-pre-rollback'], '{.data.revision}', namespace)).not.toBe('');
    expect(await field(['configmap', 'settings'], '{.data.level}', namespace)).toBe('debug');
    expect(await helm(['get', 'manifest', 'team'], namespace)).toContain('kind: CronJob');
    await helm(['uninstall', 'team'], namespace);
    expect(await kubectl.failing(['get', 'storageclass', `team-${namespace}`])).toContain('NotFound');
    await kubectl(['delete', 'namespace', namespace]);
  });

  test('says what is wrong with a chart before anything is made', async () => {
    const dry = await helm(['install', 'dry', join(charts, 'web'), '--dry-run=server']);
    expect(dry).toContain('kind: Deployment');
    expect(await kubectl.failing(['get', 'deployment', 'dry'])).toContain('NotFound');
    expect(await failing(['install', 'wrong', join(charts, 'web'), '--set', 'replicas=-1'])).toContain(
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    );
    await helm(['uninstall', 'wrong', '--ignore-not-found']);
  });
});
