import { describe, expect, it } from 'vitest';
import { alreadyExists, type coordinationv1, type JsonObject, notFound, staleVersion } from '../api/index.ts';
import { seededRandom, silentLogger, VirtualClock } from '../base/index.ts';
import { createClient } from './client.ts';
import { runLeaderElection } from './leader-election.ts';
import type { ResourceRequest, Transport } from './transport.ts';

const subject = { group: 'coordination.k8s.io', resource: 'leases', name: 'l' };

/** A server that keeps one Lease, and can be cut off. */
class LeaseServer implements Transport {
  lease: coordinationv1.Lease | undefined;
  readonly unreachable = new Set<string>();
  #version = 0;

  of(identity: string): Transport {
    return { request: (request) => this.#serve(identity, request), watch: () => this.watch(), close: () => this.close() };
  }

  request(request: ResourceRequest): Promise<JsonObject> {
    return this.#serve('', request);
  }

  async #serve(identity: string, request: ResourceRequest): Promise<JsonObject> {
    if (this.unreachable.has(identity)) throw new Error('unreachable');
    const body = request.body as coordinationv1.Lease;
    if (request.verb === 'get' && !this.lease) throw notFound(subject);
    if (request.verb === 'create' && this.lease) throw alreadyExists(subject);
    if (request.verb === 'update' && body.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) throw staleVersion(subject);
    if (request.verb !== 'get') this.lease = { ...body, metadata: { ...body.metadata, resourceVersion: String(++this.#version) } };
    return this.lease as unknown as JsonObject;
  }

  // oxlint-disable-next-line require-yield
  async *watch(): AsyncGenerator<never> {}

  async close(): Promise<void> {}
}

function candidate(identity: string, options: { clock: VirtualClock; server: LeaseServer; story: string[] }): { stop: () => void } {
  const { clock, server, story } = options;
  const abort = new AbortController();
  const startMs = Date.UTC(2026, 0, 1);
  const say = (what: string): void => void story.push(`${Math.round((clock.now() - startMs) / 1000)}s ${identity} ${what}`);
  void runLeaderElection({
    client: createClient(server.of(identity)),
    lease: { namespace: 'kube-system', name: 'l' },
    identity,
    clock,
    random: seededRandom(identity.length),
    log: silentLogger,
    signal: abort.signal,
    onStarted: async (ctx, { transitions }) => {
      say(`leads, term ${transitions}`);
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
    },
    onStopped: () => say('stopped'),
  }).catch(() => say('ended'));
  return { stop: () => abort.abort(new Error('stop')) };
}

function setUp(): { clock: VirtualClock; server: LeaseServer; story: string[] } {
  return { clock: new VirtualClock(), server: new LeaseServer(), story: [] };
}

describe('leader election', () => {
  it('elects one, who keeps the lease for as long as it renews', async () => {
    const world = setUp();
    candidate('a', world);
    await world.clock.advance(100);
    candidate('bb', world);
    await world.clock.advance(600_000);
    expect(world.story).toEqual(['0s a leads, term 0']);
    expect(world.server.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(world.server.lease?.spec.renewTime).toMatch(/^2026-01-01T00:(09:5|10:0)/);
  });

  it('passes on when the leader cannot renew: it stops after the renew deadline, another starts after the lease duration', async () => {
    const world = setUp();
    candidate('a', world);
    await world.clock.advance(100);
    candidate('bb', world);
    await world.clock.advance(60_000);
    world.server.unreachable.add('a');
    await world.clock.advance(60_000);
    expect(world.story.slice(0, 2)).toEqual(['0s a leads, term 0', '72s a stopped']);
    const [, took] = /^(\d+)s bb leads, term 1$/.exec(world.story[2] ?? '') ?? [];
    expect(Number(took)).toBeGreaterThanOrEqual(75);
    expect(Number(took)).toBeLessThanOrEqual(75 + 5);
  });

  it('passes on at once when the leader is stopped', async () => {
    const world = setUp();
    const a = candidate('a', world);
    await world.clock.advance(100);
    candidate('bb', world);
    await world.clock.advance(10_000);
    a.stop();
    await world.clock.advance(5_000);
    expect(world.story[1]).toBe('10s a stopped');
    expect(world.story.at(-1)).toMatch(/^1[0-5]s bb leads, term 1$/);
  });

  it('ends at once when another has taken the lease over', async () => {
    const world = setUp();
    candidate('a', world);
    await world.clock.advance(3_000);
    const { lease } = world.server;
    world.server.lease = {
      ...lease!,
      metadata: { ...lease!.metadata, resourceVersion: 'x' },
      spec: { ...lease!.spec, holderIdentity: 'thief' },
    };
    await world.clock.advance(2_500);
    expect(world.story).toEqual(['0s a leads, term 0', '4s a stopped']);
  });
});
