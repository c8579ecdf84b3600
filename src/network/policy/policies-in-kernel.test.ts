import { spawn, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { corev1, networkingv1 } from '../../api/index.ts';
import { compilePolicy } from './compiled-policy.ts';
import { isAllowed, type Packet, type World } from './policy-oracle.ts';
import { PolicyPlanner } from './policy-planner.ts';
import { policyPodOf } from './policy-pod.ts';

const spaces = new Map(['x', 'y'].map((ns) => [ns, { ns }] as const));
const plain = 'pqrs'.split('').map((name, i) => ({ namespace: i < 2 ? 'x' : 'y', name, ip: `10.9.0.${i + 2}` }));

function pod({ namespace, name, ip }: (typeof plain)[number], http = 80): corev1.Pod {
  const port = { name: 'http', containerPort: http, protocol: 'TCP' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, uid: `${namespace}-${name}`, resourceVersion: '1', labels: { pod: name, ns: namespace } },
    spec: { nodeName: 'n', containers: [{ name: 'c', ports: [port] }] },
    status: { phase: 'Running', podIPs: [{ ip }] },
  } as unknown as corev1.Pod;
}

function policy(name: string, namespace: string, spec: networkingv1.NetworkPolicySpec): networkingv1.NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name, uid: name, resourceVersion: '1' },
    spec,
  } as unknown as networkingv1.NetworkPolicy;
}

function plannerOf({ pods, policies, namespaces }: World): PolicyPlanner {
  const planner = new PolicyPlanner({ nodeName: 'n', table: 'knarr-test-policies' });
  for (const [name, labels] of namespaces) planner.setNamespace(name, labels);
  for (const each of pods) planner.setPod(policyPodOf(each));
  for (const each of policies) planner.setPolicy(compilePolicy(each));
  return planner;
}

/** Walks the table's maps, chains and sets as the kernel does, for a first packet. */
function judge({ ledger }: PolicyPlanner, { from, to, protocol, port }: Packet): boolean {
  if (ledger.get('self-v4', `${from} . ${from}`) !== undefined && from === to) return true;
  return [ledger.get('egress-v4', from), ledger.get('ingress-v4', to)].every((verdict) => {
    if (verdict === undefined) return true;
    return ledger.chain(verdict.replace('jump ', ''))!.some((rule) => rule.includes('return') && applies(rule));
  });

  function applies(rule: string): boolean {
    const saddr = /ct (original|reply) ip saddr @(\S+)-v4 /.exec(rule);
    if (saddr && !inSet(`${saddr[2]}-v4`, saddr[1] === 'original' ? from : to)) return false;
    const proto = /meta l4proto (\w+)/.exec(rule);
    if (proto && proto[1] !== protocol.toLowerCase()) return false;
    const ports = /proto-src (\{[^}]*\}|\S+)/.exec(rule);
    if (ports && !(ports[1]!.match(/\d+(-\d+)?/g) ?? []).some((each) => between(each, port))) return false;
    const named = /th dport @(\S+)/.exec(rule);
    if (rule.includes('ct direction reply')) return false;
    return !named || ledger.get(named[1]!, `${to} . ${port}`) !== undefined;
  }
  function between(range: string, value: number): boolean {
    const [first, last = first] = range.split('-').map(Number);
    return first! <= value && value <= last!;
  }
  function inSet(set: string, ip: string): boolean {
    const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    return ledger.elements(set).some((each) => between(each.split('-').map(number).join('-'), number(ip)));
  }
}

const selector = fc.oneof(
  fc.constant({}),
  fc.constantFrom('p', 'q', 'r', 's').map((name) => ({ matchLabels: { pod: name } })),
  fc.constantFrom('p', 'r').map((name) => ({ matchExpressions: [{ key: 'pod', operator: 'NotIn', values: [name] }] })),
  fc.constantFrom('x', 'y').map((ns) => ({ matchExpressions: [{ key: 'ns', operator: 'In', values: [ns] }] })),
);
const peer = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ namespaceSelector: selector, podSelector: selector }),
  fc.constantFrom(
    { ipBlock: { cidr: '10.9.0.0/24', except: ['10.9.0.2/32', '10.9.0.4/31'] } },
    { ipBlock: { cidr: '0.0.0.0/0' } },
    { ipBlock: { cidr: 'fd00::/8' } },
  ),
);
const port = fc.constantFrom<networkingv1.NetworkPolicyPort>(
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 79, endPort: 82 },
  { protocol: 'UDP' },
  { port: 'http' },
  { protocol: 'TCP', port: 81 },
);
const rules = fc.option(
  fc.array(
    fc.record({
      peers: fc.option(fc.array(peer, { maxLength: 2 }), { nil: undefined }),
      ports: fc.option(fc.array(port, { maxLength: 3 }), { nil: undefined }),
    }),
    { maxLength: 2 },
  ),
  { nil: undefined },
);
const types = fc.constantFrom<string[] | undefined>(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']);
const policies = fc.array(fc.tuple(fc.constantFrom('x', 'y'), selector, rules, rules, types), { maxLength: 4 }).map((all) =>
  all.map(([namespace, podSelector, into, out, policyTypes], i) =>
    policy(`${i}`, namespace, {
      podSelector,
      ...(into && { ingress: into.map(({ peers, ports }) => ({ ...(peers && { from: peers }), ...(ports && { ports }) })) }),
      ...(out && { egress: out.map(({ peers, ports }) => ({ ...(peers && { to: peers }), ...(ports && { ports }) })) }),
      ...(policyTypes && { policyTypes }),
    } as networkingv1.NetworkPolicySpec),
  ),
);
const addresses = [...plain.map(({ ip }) => ip), '192.0.2.1'];
const packets: Packet[] = addresses.flatMap((from) =>
  addresses.flatMap((to) =>
    (['TCP', 'UDP'] as const).flatMap((protocol) => [80, 81, 8080].map((number) => ({ from, to, protocol, port: number }))),
  ),
);

test('what the table says of any packet is what the API says, also after changes one by one', () => {
  const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
  fc.assert(
    fc.property(policies, policies, order, (first, second, shuffle) => {
      const pods = plain.map((each, i) => pod(each, i % 2 ? 8080 : 80));
      const planner = plannerOf({ namespaces: spaces, pods, policies: first });
      for (const each of first) planner.deletePolicy(`${each.metadata.namespace}/${each.metadata.name}`);
      for (const i of shuffle) planner.deletePod(pods[i]!.metadata.uid);
      for (const each of second) planner.setPolicy(compilePolicy(each));
      for (const i of shuffle) planner.setPod(policyPodOf(pods[i]!));
      const world = { namespaces: spaces, pods, policies: second };
      for (const packet of packets)
        expect({ packet, allowed: judge(planner, packet) }).toEqual({ packet, allowed: isAllowed(world, packet) });
    }),
    { numRuns: 150, seed: 7 },
  );
});

const canUseKernel = process.getuid?.() === 0 && spawnSync('nft', ['--version']).status === 0 && spawnSync('ip', ['-V']).status === 0;

describe.skipIf(!canUseKernel)('in the kernel', () => {
  test('nft takes whole tables and the changes between them', () => {
    const worlds = fc.sample(fc.tuple(policies, policies), { numRuns: 12, seed: 3 });
    for (const [first, second] of worlds) {
      const planner = plannerOf({ namespaces: spaces, pods: plain.map((each) => pod(each)), policies: first });
      const whole = planner.ledger.takeWhole();
      for (const each of first) planner.deletePolicy(`${each.metadata.namespace}/${each.metadata.name}`);
      for (const each of second) planner.setPolicy(compilePolicy(each));
      planner.setPod({ ...policyPodOf(pod(plain[1]!)), ips: ['10.9.0.77'] });
      const change = planner.ledger.takeChange();
      const { stderr } = spawnSync('unshare', ['--net', 'sh', '-c', `nft -f - <<A && nft -f - <<B\n${whole}A\n${change}B\n`], {
        encoding: 'utf8',
      });
      expect(stderr, `${whole}\n---\n${change}`).toBe('');
    }
  });

  test('open and new connections stop and go with the policy, both ways', async () => {
    const name = `knarr-test-policy-${process.pid}`;
    const sh = (script: string, input = ''): string => {
      const done = spawnSync('sh', ['-ec', script], { encoding: 'utf8', input });
      if (done.status !== 0) throw new Error(`${script}: ${done.stderr}`);
      return done.stdout;
    };
    try {
      // A router between two pods, as a node is between two networks.
      sh(`ip netns add ${name}; ip -n ${name} link set lo up
for i in 2 3; do ip netns add ${name}-$i
  ip -n ${name} link add v$i type veth peer name eth0 netns ${name}-$i
  ip -n ${name} addr add 10.9.0.1 peer 10.9.0.$i dev v$i; ip -n ${name} link set v$i up
  ip -n ${name}-$i addr add 10.9.0.$i dev eth0; ip -n ${name}-$i link set eth0 up
  ip -n ${name}-$i route add 10.9.0.1 dev eth0; ip -n ${name}-$i route add default via 10.9.0.1
done; nsenter --net=/run/netns/${name} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'`);
      const pods = [plain[0]!, plain[1]!].map((each) => pod(each));
      const planner = plannerOf({ namespaces: spaces, pods, policies: [] });
      const apply = (script: string): string => sh(`nsenter --net=/run/netns/${name} nft -f -`, script);
      apply(planner.ledger.takeWhole());
      const server = spawn('nsenter', [
        `--net=/run/netns/${name}-3`,
        process.execPath,
        '-e',
        "const n=require('net'),s=c=>{c.on('error',()=>{});c.pipe(c)};n.createServer(s).listen(80);n.createServer(s).listen(81);console.log('up')",
      ]);
      const client = spawn('nsenter', [
        `--net=/run/netns/${name}-2`,
        process.execPath,
        '-e',
        "const n=require('net');let o,k=0;const ask=(c,i)=>new Promise(r=>{const t=setTimeout(()=>r(0),300);c.once('data',()=>{clearTimeout(t);r(1)});c.write('x'+i)});const fresh=p=>new Promise(r=>{const c=n.connect(p,'10.9.0.3');const t=setTimeout(()=>{c.destroy();r(0)},300);c.on('error',()=>{});c.on('connect',()=>{clearTimeout(t);c.destroy();r(1)})});process.stdin.on('data',async()=>{if(!o){o=n.connect(80,'10.9.0.3');o.on('error',()=>{});await new Promise(r=>o.once('connect',r))}console.log((await ask(o,k++))+' '+(await fresh(80))+' '+(await fresh(81)))})",
      ]);
      const line = (from: typeof server): Promise<string> =>
        new Promise((resolve) => from.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())));
      try {
        await line(server);
        /** Open connection to 80, new one to 80, new one to 81. */
        const probe = (): Promise<string> => {
          client.stdin.write('go\n');
          return line(client);
        };
        expect(await probe()).toBe('1 1 1');
        // A connection that was stopped goes on with its next retransmission.
        const settled = (): ReturnType<typeof expect.poll> => expect.poll(probe, { timeout: 10_000, interval: 50 });
        const set = (spec: networkingv1.NetworkPolicySpec): void => {
          planner.setPolicy(compilePolicy(policy('only', 'x', spec)));
          apply(planner.ledger.takeChange());
        };
        set({ podSelector: { matchLabels: { pod: 'q' } }, policyTypes: ['Ingress'] });
        await settled().toBe('0 0 0');
        set({
          podSelector: { matchLabels: { pod: 'q' } },
          ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'p' } } }], ports: [{ port: 'http' }] }],
        });
        await settled().toBe('1 1 0');
        set({
          podSelector: { matchLabels: { pod: 'p' } },
          policyTypes: ['Egress'],
          egress: [{ ports: [{ port: 81, endPort: 90, protocol: 'TCP' }] }],
        });
        await settled().toBe('0 0 1');
        set({
          podSelector: { matchLabels: { pod: 'p' } },
          policyTypes: ['Egress'],
          egress: [{ to: [{ podSelector: {} }], ports: [{ port: 'http' }] }],
        });
        await settled().toBe('1 1 0');
        planner.deletePolicy('x/only');
        apply(planner.ledger.takeChange());
        await settled().toBe('1 1 1');
      } finally {
        server.kill('SIGKILL');
        client.kill('SIGKILL');
      }
    } finally {
      for (const each of [name, `${name}-2`, `${name}-3`]) spawnSync('ip', ['netns', 'del', each]);
    }
  }, 30_000);
});
