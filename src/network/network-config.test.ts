import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { renderCniConfig, renderEgressTable } from './network-config.ts';

test('the CNI configuration gives addresses from the node subnet and leaves masquerading alone', () => {
  const config = JSON.parse(renderCniConfig({ name: 'knarr-demo', subnet: '10.244.3.0/24', ipamDir: '/d', mtu: 1450 })) as {
    plugins: { type: string; ipMasq?: boolean; mtu?: number; ipam?: { ranges: unknown } }[];
  };
  expect(config.plugins.map(({ type }) => type)).toEqual(['bridge', 'portmap']);
  expect(config.plugins[0]).toMatchObject({ ipMasq: false, mtu: 1450, ipam: { ranges: [[{ subnet: '10.244.3.0/24' }]] } });
});

test.skipIf(process.getuid?.() !== 0 || spawnSync('nft', ['--version']).status !== 0)('the kernel takes the egress table, twice', () => {
  const text = renderEgressTable('knarr-test', '10.244.0.0/16');
  expect(spawnSync('unshare', ['--net', 'nft', '-f', '-'], { input: text + text, encoding: 'utf8' }).stderr).toBe('');
});
