import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeCniConfig, renderCniConfig, writeCniConfig } from './cni-config.ts';

const network = { name: 'knarr-dev', ipamDir: '/var/lib/k/ipam', mtu: 1450 };

test.each([
  ['one family', ['10.244.1.0/24']],
  ['both families', ['10.244.1.0/24', 'fd44:0:0:1::/64']],
])("a pod gets an address of each of the node's subnets: %s", (_, subnets) => {
  expect(JSON.parse(renderCniConfig({ ...network, subnets }))).toEqual({
    cniVersion: '0.4.0',
    name: 'knarr-dev',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        isDefaultGateway: true,
        forceAddress: true,
        ipMasq: false,
        hairpinMode: true,
        mtu: 1450,
        // A list of lists: of each inner one a pod gets one address.
        ipam: { type: 'host-local', dataDir: '/var/lib/k/ipam', ranges: subnets.map((subnet) => [{ subnet }]) },
      },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
    ],
  });
});

test('the file is written when it differs, and files of others stay', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'knarr-cni-'));
  try {
    const directory = join(scratch, 'net.d');
    const path = join(directory, '10-knarr.conflist');
    writeCniConfig(directory, 'one\n');
    const { ino } = statSync(path);
    writeCniConfig(directory, 'one\n');
    expect(statSync(path).ino).toBe(ino);
    writeCniConfig(directory, 'two\n');
    expect(readFileSync(path, 'utf8')).toBe('two\n');
    writeFileSync(join(directory, '20-else.conflist'), '');
    removeCniConfig(directory);
    removeCniConfig(directory);
    expect(readdirSync(directory)).toEqual(['20-else.conflist']);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
