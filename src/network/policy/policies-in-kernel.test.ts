import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProcessError, run, silentLogger } from '../../base/index.ts';
import { PolicyApplier } from './apply-policies.ts';
import { compilePolicy } from './compiled-policy.ts';
import { isAllowed } from './policy-oracle.ts';
import { namespaces, packetsBetween, plainPods, plannerOf, podOf, policyOf, portNumbers, somePolicies } from './random-policies.ts';

const canUseKernel = process.getuid?.() === 0 && spawnSync('nft', ['--version']).status === 0 && spawnSync('ip', ['-V']).status === 0;
const node = `knarr-test-policy-${process.pid}`;
const inNode = ['nsenter', `--net=/run/netns/${node}`] as const;
const nodeAddress = '10.9.0.1';
const netnsOf = (name: string): string => `${node}-${name}`;

/** A router with four pods behind it, as a node is. */
const wiring = `ip netns add ${node}; ip -n ${node} link set lo up
nsenter --net=/run/netns/${node} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad'
${plainPods
  .map(
    ({ name, ips: [v4, v6] }) => `ip netns add ${netnsOf(name)}
nsenter --net=/run/netns/${netnsOf(name)} sh -c 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad'
ip -n ${node} link add ${name} type veth peer name eth0 netns ${netnsOf(name)}
ip -n ${node} -batch - <<END
addr add 10.9.0.1 peer ${v4} dev ${name}
addr add fe80::1/64 dev ${name} nodad
link set ${name} up
route add ${v6} dev ${name}
END
ip -n ${netnsOf(name)} -batch - <<END
link set lo up
addr add ${v4}/32 dev eth0
addr add ${v6}/128 dev eth0 nodad
link set eth0 up
route add 10.9.0.1 dev eth0
route add default via 10.9.0.1
route add default via fe80::1 dev eth0
END
`,
  )
  .join('')}`;

/** A pod: answers at its ports, and sends what it is told; an allowed packet must be answered, a denied one not before all others are. */
const podProgram = `
const { createSocket } = require('dgram');
const { connect, createServer } = require('net');
const bound = [];
for (const port of ${JSON.stringify(portNumbers)}) {
  bound.push(new Promise((up) => createServer((socket) => socket.on('error', () => {})).listen(port, '::', up)));
  const socket = createSocket('udp6', (text, { port, address }) => socket.send(text, port, address)).on('error', () => {});
  bound.push(new Promise((up) => socket.bind(port, '::', up)));
}
const send = ({ to, protocol, port }, answered) => {
  if (protocol === 'TCP') {
    const socket = connect(port, to, answered);
    socket.on('error', () => {});
    return () => socket.destroy();
  }
  const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4', answered);
  socket.on('error', () => {});
  const again = setInterval(() => socket.send('?', port, to), 100);
  socket.send('?', port, to);
  return () => { clearInterval(again); socket.close(); };
};
require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const packets = JSON.parse(line);
  const answers = packets.map(() => Promise.withResolvers());
  const passed = packets.map(() => false);
  const ends = packets.map((packet, at) => send(packet, () => { passed[at] = true; answers[at].resolve(); }));
  const limit = new Promise((over) => setTimeout(over, 5000).unref());
  await Promise.race([limit, Promise.all(answers.filter((_, at) => packets[at].allowed).map(({ promise }) => promise))]);
  await new Promise((waited) => setTimeout(waited, 25));
  for (const end of ends) end();
  console.log(JSON.stringify(packets.filter(({ allowed }, at) => allowed !== passed[at])));
});
Promise.all(bound).then(() => console.log('up'));`;

interface TestPod {
  readonly child: ChildProcess;
  readonly lines: Interface;
}

async function startPod(netns: string): Promise<TestPod> {
  const child = spawn('nsenter', [`--net=/run/netns/${netns}`, process.execPath, '-e', podProgram], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  return { child, lines };
}

/** The packets that did not do as they should. */
async function sendAll({ child, lines }: TestPod, packets: readonly object[]): Promise<unknown[]> {
  child.stdin!.write(`${JSON.stringify(packets)}\n`);
  const [line] = (await once(lines, 'line')) as [string];
  return JSON.parse(line) as unknown[];
}

describe.skipIf(!canUseKernel)('in the kernel', () => {
  beforeAll(async () => void (await run(['sh', '-ec', wiring])));
  afterAll(() => run(['sh', '-c', [node, ...plainPods.map(({ name }) => netnsOf(name))].map((each) => `ip netns del ${each};`).join(' ')]));

  const apply = async (script: string): Promise<void> => void (await run([...inNode, 'nft', '-f', '-'], { input: script }));
  const pods = plainPods.map(podOf);

  test('real packets of random policies do what the API says, in both families, and the node reaches its pods', async () => {
    const places = [...plainPods.map(({ name, ips }) => ({ netns: netnsOf(name), ips })), { netns: node, ips: [nodeAddress] }];
    const started = await Promise.all(places.map(({ netns }) => startPod(netns)));
    try {
      const packets = packetsBetween(
        places.flatMap(({ ips }) => ips),
        ['TCP', 'UDP'],
      );
      const planner = plannerOf({ namespaces, pods, policies: [] });
      await apply(planner.ledger.takeWhole());
      let before: ReturnType<typeof policyOf>[] = [];
      for (const policies of fc.sample(somePolicies, { numRuns: 16, seed: 11 })) {
        for (const { metadata } of before) planner.deletePolicy(`${metadata.namespace}/${metadata.name}`);
        for (const each of policies) planner.setPolicy(compilePolicy(each));
        await apply(planner.ledger.takeChange());
        const world = { namespaces, pods, policies };
        const told = packets.map((packet) => ({ ...packet, allowed: packet.from === nodeAddress || isAllowed(world, packet) }));
        const wrong = await Promise.all(
          started.map((pod, at) => {
            const { ips } = places[at]!;
            return sendAll(
              pod,
              told.filter(({ from }) => ips.includes(from)),
            );
          }),
        );
        expect({ policies, wrong: wrong.flat() }).toEqual({ policies, wrong: [] });
        before = policies;
      }
    } finally {
      for (const { child } of started) child.kill('SIGKILL');
    }
  }, 30_000);

  test('a policy that nft refuses closes its pods, costs nobody else anything, and is tried again', async () => {
    const said: string[] = [];
    let broken: RegExp | undefined = /x\/bad/;
    const scripts: string[] = [];
    // As if nft of this machine could not do what one policy needs.
    const spoilt = (script: string): string =>
      broken?.test(script) ? `${script}add rule inet knarr-test-policies nowhere drop\n` : script;
    const nft = async (args: readonly string[], script: string): Promise<void> =>
      void (await run([...inNode, 'nft', ...args, '-f', '-'], { input: spoilt(script) }));
    const planner = plannerOf({ namespaces, pods, policies: [] });
    const applier = new PolicyApplier({
      kernel: {
        apply: (script) => {
          scripts.push(script);
          return nft([], script);
        },
        check: (script) =>
          nft(['-c'], script).then(
            () => true,
            (error: unknown) => {
              if (error instanceof ProcessError) return false;
              throw error;
            },
          ),
      },
      planner,
      trial: (policies) => {
        const trial = plannerOf({ namespaces, pods, policies: [] });
        for (const policy of policies) trial.setPolicy(policy);
        return trial.ledger.takeWhole();
      },
      onRefused: ({ key }) => said.push(`refused ${key}`),
      onAccepted: ({ key }) => said.push(`accepted ${key}`),
    });
    const ctx = { signal: new AbortController().signal, log: silentLogger };
    const table = async (): Promise<string> => (await run([...inNode, 'nft', 'list', 'table', 'inet', 'knarr-test-policies'])).stdout;
    const allowing = (name: string, pod: string, port: number): void =>
      planner.setPolicy(compilePolicy(policyOf(name, 'x', { podSelector: { matchLabels: { pod } }, ingress: [{ ports: [{ port }] }] })));
    const [p = ''] = plainPods[0]!.ips;
    await applier.apply(ctx);

    for (const port of [1, 2, 3]) allowing(`good-${port}`, 'q', port);
    allowing('bad', 'p', 80);
    await applier.apply(ctx);
    expect(said).toEqual(['refused x/bad']);
    expect(await table()).toMatch(/good-1[^]*good-2[^]*good-3/);
    expect(await table()).not.toContain('x/bad');
    expect(await table()).toContain(`${p} : jump`);

    applier.retryRefused();
    await applier.apply(ctx);
    expect(said).toEqual(['refused x/bad', 'refused x/bad']);

    broken = undefined;
    applier.retryRefused();
    await applier.apply(ctx);
    expect(said).toEqual(['refused x/bad', 'refused x/bad', 'accepted x/bad']);
    expect(await table()).toContain('x/bad');

    broken = /proto-src 81 /;
    allowing('bad', 'p', 81);
    await applier.apply(ctx);
    expect(await table()).toContain('ct reply proto-src 80 return comment "x/bad"');
    broken = undefined;
    applier.retryRefused();
    await applier.apply(ctx);
    expect(await table()).toContain('ct reply proto-src 81 return comment "x/bad"');
    applier.withdraw('x/bad', { gone: true });
    planner.deletePolicy('x/bad');
    await applier.apply(ctx);
    expect(await table()).not.toContain(`${p} : jump`);
    const applied = scripts.length;
    applier.retryRefused();
    expect(applier.isDue).toBe(false);
    await applier.apply(ctx);
    expect(scripts).toHaveLength(applied);
  }, 30_000);
});
