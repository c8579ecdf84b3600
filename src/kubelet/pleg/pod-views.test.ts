import { describe, expect, it } from 'vitest';
import { type Ctx, silentLogger, TaskGroup, VirtualClock } from '../../base/index.ts';
import { containerAnnotations, containerLabels, sandboxLabels } from '../pods/labels.ts';
import { testPod } from '../pods/testing.ts';
import type { ContainerConfig, PodSandboxConfig, RuntimeService } from '../runtime/runtime.ts';
import { createSimulatedRuntime } from '../runtime/simulated/index.ts';
import { PodViews } from './pod-views.ts';

const pod = testPod();
const identity = { uid: 'uid-1', name: 'web', namespace: 'shop' };
const ctx: Ctx = { signal: new AbortController().signal, log: silentLogger };

const sandboxConfig = {
  metadata: { ...identity, attempt: 0 },
  labels: sandboxLabels(pod),
  annotations: {},
  security: { namespaces: { network: 'pod', pid: 'container', ipc: 'pod' } },
} as unknown as PodSandboxConfig;
const containerConfig = {
  metadata: { name: 'main', attempt: 0 },
  image: { image: 'app' },
  labels: containerLabels(pod, pod.spec.containers[0]!),
  annotations: containerAnnotations(pod, pod.spec.containers[0]!, 0),
  mounts: [],
  logPath: 'main/0.log',
} as unknown as ContainerConfig;

function setUp(change: (runtime: RuntimeService) => RuntimeService = (runtime) => runtime) {
  const clock = new VirtualClock();
  const engine = createSimulatedRuntime({ clock });
  const changes: string[] = [];
  let reads = 0;
  const counted = new Proxy(engine.runtime, {
    get: (target, name) => {
      if (name === 'containerStatus') reads++;
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return method.bind(target);
    },
  });
  const views = new PodViews({
    runtime: change(counted),
    clock,
    log: silentLogger,
    relistMs: 1000,
    relistWithEventsMs: 60_000,
    onChange: ({ uid }) => changes.push(uid),
  });
  const start = async (): Promise<string> => {
    const sandboxId = await engine.runtime.runPodSandbox(sandboxConfig, ctx);
    const id = await engine.runtime.createContainer({ sandboxId, config: containerConfig, sandboxConfig }, ctx);
    await engine.runtime.startContainer(id, ctx);
    return id;
  };
  return { clock, engine, views, changes, start, reads: () => reads };
}

describe('views of the engine', () => {
  it('are read once, until something says that they are stale', async () => {
    const { views, start, engine, reads } = setUp();
    const id = await start();
    const first = await views.view(identity, ctx);
    expect(first.containers).toMatchObject([{ id, name: 'main', state: 'running', restartCount: 0 }]);
    expect(await views.view(identity, ctx)).toBe(first);
    expect(reads()).toBe(1);
    engine.exitContainer(id, 3);
    views.invalidate('uid-1');
    expect((await views.view(identity, ctx)).containers).toMatchObject([{ state: 'exited', exitCode: 3 }]);
    expect(views.peek('uid-1')?.containers[0]?.exitCode).toBe(3);
  });

  it('a list tells of pods that changed or went, and of no other', async () => {
    const { views, start, engine, changes } = setUp();
    await views.relist(ctx);
    const id = await start();
    await views.relist(ctx);
    await views.relist(ctx);
    expect(changes).toEqual(['uid-1']);
    expect(views.enginePods()).toEqual([identity]);
    engine.exitContainer(id, 0);
    await views.relist(ctx);
    for (const { id: sandbox } of await engine.runtime.listPodSandboxes({}, ctx)) await engine.runtime.removePodSandbox(sandbox, ctx);
    await views.relist(ctx);
    expect(changes).toEqual(['uid-1', 'uid-1', 'uid-1']);
    expect(views.enginePods()).toEqual([]);
  });

  it('an event tells at once, without a list', async () => {
    const { views, start, engine, changes, clock } = setUp();
    const id = await start();
    await views.view(identity, ctx);
    const group = new TaskGroup({ log: silentLogger });
    group.spawn('events', (task) => views.listen(task));
    await clock.advance(0);
    engine.exitContainer(id, 1);
    await clock.advance(0);
    expect(changes).toContain('uid-1');
    expect((await views.view(identity, ctx)).containers[0]?.state).toBe('exited');
    await group.close();
  });

  it('an announced end is waited for when the engine still shows the container running', async () => {
    let lag = true;
    const { views, start, engine, changes, clock } = setUp(
      (runtime) =>
        new Proxy(runtime, {
          get: (target, name) => {
            const method = (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
            if (name !== 'containerStatus') return method;
            return async (...args: unknown[]) => {
              const status = (await method(...args)) as object;
              return lag ? { ...status, state: 'running' } : status;
            };
          },
        }),
    );
    const id = await start();
    await views.view(identity, ctx);
    const group = new TaskGroup({ log: silentLogger });
    group.spawn('events', (task) => views.listen(task));
    await clock.advance(0);
    engine.exitContainer(id, 1);
    await clock.advance(0);
    const before = changes.length;
    expect((await views.view(identity, ctx)).containers[0]?.state).toBe('running');
    lag = false;
    await clock.advance(100);
    expect(changes.length).toBeGreaterThan(before);
    expect((await views.view(identity, ctx)).containers[0]?.state).toBe('exited');
    await group.close();
  });

  it('an engine that was not listed for minutes is unhealthy', async () => {
    const { views, clock } = setUp();
    expect(views.unhealthy()).toBe('pleg has yet to be successful');
    await views.relist(ctx);
    expect(views.unhealthy()).toBeUndefined();
    await clock.advance(200_000);
    expect(views.unhealthy()).toBe('pleg was last seen active 3m20s ago; threshold is 3m0s');
  });
});
