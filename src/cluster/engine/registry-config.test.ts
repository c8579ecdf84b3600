import { expect, test } from 'vitest';
import { renderRegistryHosts } from './registry-config.ts';

test.each([
  [
    'a mirror, then the registry',
    'registry.test',
    { mirror: 'http://10.0.0.1:5000' },
    'server = "https://registry.test"\n\n[host."http://10.0.0.1:5000"]\ncapabilities = ["pull", "resolve"]\n',
  ],
  [
    'Docker Hub by the name of its server, both with the authority',
    'docker.io',
    { mirror: 'https://mirror.test', ca: '/ca.crt' },
    'server = "https://registry-1.docker.io"\nca = "/ca.crt"\n\n[host."https://mirror.test"]\ncapabilities = ["pull", "resolve"]\nca = "/ca.crt"\n',
  ],
  ['whatever registry, with the authority', '_default', { ca: '/ca.crt' }, 'ca = "/ca.crt"\n\n[host]\n'],
])('hosts.toml names %s', (_, registry, options, text) => {
  expect(renderRegistryHosts(registry, options)).toBe(text);
});
