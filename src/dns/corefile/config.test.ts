import { describe, expect, test } from 'vitest';
import { readCorefile } from './config.ts';
import { defaultCorefile } from './default-corefile.ts';

test('the usual Corefile is read', () => {
  const { blocks, health, ready, prometheus } = readCorefile(defaultCorefile('cluster.local'));
  expect(blocks).toMatchObject([
    {
      zones: [''],
      port: 53,
      kubernetes: [
        { zones: ['cluster.local', 'in-addr.arpa', 'ip6.arpa'], pods: 'insecure', ttl: 30, fallthrough: ['in-addr.arpa', 'ip6.arpa'] },
      ],
      forwards: [{ from: '', to: ['node'], maxConcurrent: 1000 }],
      cache: { success: { maxTtl: 30, disabled: ['cluster.local'] }, denial: { maxTtl: 30, disabled: ['cluster.local'] } },
      loop: true,
      loadbalance: true,
    },
  ]);
  expect([health?.lameduckMs, health?.port, ready?.port, prometheus?.port]).toEqual([5000, 8080, 8181, 9153]);
});

describe('faults name their line', () => {
  test.each([
    ['', 'Corefile:1: there is no server block'],
    ['.:53 {\n', 'Corefile:1: a "{" has no "}"'],
    ['.:53\nerrors', 'Corefile:1: ".:53" has no "{" after it'],
    ['. {\n}\n. {\n}', 'Corefile:1: cannot serve dns://.:53 - it is already defined'],
    ['. {\n  import nowhere\n}', 'Corefile:2: no snippet (nowhere) is declared before; import of files is not supported'],
    ['tls://. {\n}', 'Corefile:1: "tls://." is not supported: plain DNS (dns://) is'],
    ['. {\n  forward . tls://9.9.9.9\n}', 'Corefile:2: forward: tls:// is not supported: tls://9.9.9.9'],
    ['. {\n  forward . 1.2.3.4 {\n    polcy random\n  }\n}', "Corefile:3: unknown property 'polcy'"],
    ['. {\n  forward . nowhere\n}', 'Corefile:2: not an IP address or file: "nowhere"'],
    [
      '. {\n  kubernetes cluster.local {\n    pods maybe\n  }\n}',
      'Corefile:3: wrong value for pods: maybe,  must be one of: disabled, verified, insecure',
    ],
    ['. {\n  kubernetes cluster.local {\n    ttl 4000\n  }\n}', 'Corefile:3: ttl must be in range [0, 3600]: 4000'],
    ['. {\n  kubernetes in-addr.arpa\n}', 'Corefile:2: non-reverse zone name must be used'],
    ['. {\n  file db.example.org\n}', "Corefile:2: plugin 'file' is not supported"],
    ['. {\n  cache\n  cache\n}', 'Corefile:3: plugin/cache: this plugin can only be used once per Server Block'],
    ['. {\n  log {$LEVEL}\n}', 'Corefile:2: environment variables such as "{$LEVEL}" are not supported'],
    ['. {\n  rewrite name regex (a)\\1 b\n}', "Corefile:2: invalid regular expression '(a)\\1'"],
    ['. {\n  errors "\n}', 'Corefile:2: a quote has no end'],
  ])('%j', (text, message) => expect(() => readCorefile(text)).toThrow(message));
});
