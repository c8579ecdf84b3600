import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { adminKubeconfig, unavailable, useKubectl } from './kubectl.ts';
import { sleeper } from './manifests.ts';
import { mcpServer } from './old-clients.ts';

describe.skipIf(unavailable)('kubernetes-fluent-client', () => {
  const namespace = 'e2e-fluent';
  useKubectl(namespace);

  test('applies, creates, patches, watches and deletes', async () => {
    const program = join(import.meta.dirname, 'programs/fluent.ts');
    const { stdout } = await run(['node', program, namespace], { env: { ...process.env, KUBECONFIG: adminKubeconfig() } });
    expect(JSON.parse(stdout)).toEqual({
      applied: { a: '1' },
      // What a manager no longer applies goes.
      appliedAgain: { b: '2' },
      got: 'settings',
      secret: Buffer.from('w').toString('base64'),
      patched: { b: '2', c: '3' },
      events: ['ADDED watched', 'DELETED watched'],
      missing: 404,
    });
  });
});

describe.skipIf(unavailable)('kubernetes-mcp-server', () => {
  const namespace = 'e2e-mcp';
  const kubectl = useKubectl(namespace);

  test('lists, makes, reads, runs in and deletes objects by client-go', async () => {
    const child = spawn(await mcpServer(), ['--kubeconfig', adminKubeconfig()], { stdio: ['pipe', 'pipe', 'ignore'] });
    try {
      const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      let lastId = 0;
      const ask = async (method: string, params: object): Promise<McpAnswer> => {
        const id = ++lastId;
        child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
        for (;;) {
          const { value, done } = await answers.next();
          if (done) throw new Error('the server ended');
          const answer = JSON.parse(value) as McpAnswer;
          if (answer.id === id) return answer;
        }
      };
      const call = async (name: string, args: object): Promise<string> => {
        const { result, error } = await ask('tools/call', { name, arguments: args });
        const text = result?.content?.map((part) => part.text).join('\n') ?? '';
        if (error || result?.isError) throw new Error(`${name}: ${error?.message ?? text}`);
        return text;
      };
      const capabilities = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'e2e', version: '0' } };
      await ask('initialize', capabilities);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);

      expect(await call('namespaces_list', {})).toContain(namespace);
      const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made', namespace }, data: { a: 'b' } };
      await call('resources_create_or_update', { resource: JSON.stringify(configMap) });
      expect(await call('resources_get', { apiVersion: 'v1', kind: 'ConfigMap', name: 'made', namespace })).toContain('a: b');
      expect(await call('resources_list', { apiVersion: 'v1', kind: 'ConfigMap', namespace })).toContain('made');
      await kubectl(['apply', '-f', '-'], { input: sleeper('box') });
      await kubectl(['wait', 'pod/box', '--for=condition=Ready', '--timeout=60s']);
      expect(await call('pods_list_in_namespace', { namespace })).toContain('box');
      expect(await call('pods_log', { namespace, name: 'box' })).toContain('started');
      expect(await call('pods_exec', { namespace, name: 'box', command: ['echo', 'hello'] })).toContain('hello');
      await call('resources_delete', { apiVersion: 'v1', kind: 'ConfigMap', name: 'made', namespace });
      await expect(call('resources_get', { apiVersion: 'v1', kind: 'ConfigMap', name: 'made', namespace })).rejects.toThrow('not found');
      await call('pods_delete', { namespace, name: 'box' });
    } finally {
      child.kill();
    }
  });
});

interface McpAnswer {
  readonly id?: number;
  readonly result?: { readonly isError?: boolean; readonly content?: readonly { readonly text: string }[] };
  readonly error?: { readonly message: string };
}
