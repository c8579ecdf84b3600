/** What every engine keeps, as one suite. Real engines and the simulated one are held to the same rows. */
import { expect, it } from 'vitest';
import type { ContainerConfig, PodSandboxConfig, Runtime } from './runtime.ts';
import { isRuntimeError } from './runtime.ts';

export interface EngineUnderTest {
  readonly runtime: Runtime;
  /** An image that the engine can run; with it, `sleep` and `false` are programs. */
  readonly image: string;
  /** A directory that exists where the engine runs. */
  readonly logDirectory: string;
  readonly cgroupParent: string;
  /** Makes a container whose command is `command`; the simulated engine reads what it would do from it. */
  readonly command: (what: 'forever' | 'fail' | 'stubborn' | 'missing') => readonly string[];
}

const ctx = { signal: new AbortController().signal };
const namespaces = { network: 'pod', pid: 'container', ipc: 'pod' } as const;
let uids = 0;

function sandboxOf(engine: EngineUnderTest, fields: Partial<PodSandboxConfig> = {}): PodSandboxConfig {
  const uid = `suite-${++uids}`;
  return {
    metadata: { name: 'suite', namespace: 'test', uid, attempt: 0 },
    hostname: 'suite',
    logDirectory: engine.logDirectory,
    portMappings: [],
    labels: { uid },
    annotations: { note: 'kept' },
    cgroupParent: `${engine.cgroupParent}/${uid}`,
    sysctls: {},
    security: { namespaces },
    ...fields,
  };
}

function containerOf(engine: EngineUnderTest, command: readonly string[], attempt = 0): ContainerConfig {
  return {
    metadata: { name: 'main', attempt },
    image: { image: engine.image, userSpecifiedImage: engine.image },
    command,
    args: [],
    workingDir: '',
    env: [{ name: 'GREETING', value: 'grüß dich' }],
    mounts: [],
    devices: [],
    labels: { role: 'test' },
    annotations: { life: String(attempt) },
    logPath: `main-${attempt}.log`,
    stdin: false,
    stdinOnce: false,
    tty: false,
    resources: { cpuShares: 100, memoryLimitBytes: 64n << 20n },
    security: { namespaces },
  };
}

/** Declares the rows; call it inside a `describe`. */
export function runtimeContract(engineOf: () => EngineUnderTest): void {
  /** A sandbox with a started container, removed afterwards. */
  async function withContainer(
    what: Parameters<EngineUnderTest['command']>[0],
    use: (ids: { sandbox: string; container: string; config: PodSandboxConfig }) => Promise<void>,
  ): Promise<void> {
    const engine = engineOf();
    const { runtime } = engine.runtime;
    const config = sandboxOf(engine);
    const sandbox = await runtime.runPodSandbox(config, ctx);
    try {
      const request = { sandboxId: sandbox, config: containerOf(engine, engine.command(what)), sandboxConfig: config };
      const container = await runtime.createContainer(request, ctx);
      await runtime.startContainer(container, ctx);
      await use({ sandbox, container, config });
    } finally {
      await runtime.stopPodSandbox(sandbox, ctx);
      await runtime.removePodSandbox(sandbox, ctx);
    }
  }

  async function stateOf(id: string): Promise<string> {
    return (await engineOf().runtime.runtime.containerStatus(id, ctx)).state;
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 500 && !(await holds()); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await holds()).toBe(true);
  }

  it('says who it is and that it is ready', async () => {
    const { runtime } = engineOf().runtime;
    expect((await runtime.version(ctx)).apiVersion).toBe('v1');
    const { conditions } = await runtime.status(ctx);
    expect(conditions.map(({ type, status }) => [type, status])).toEqual([
      ['RuntimeReady', true],
      ['NetworkReady', true],
    ]);
  });

  it('a sandbox has an address, its labels, and is listed until it is removed', async () => {
    const engine = engineOf();
    const { runtime } = engine.runtime;
    const config = sandboxOf(engine);
    const id = await runtime.runPodSandbox(config, ctx);
    const status = await runtime.podSandboxStatus(id, ctx);
    expect(status).toMatchObject({ id, metadata: config.metadata, state: 'ready', labels: config.labels, annotations: config.annotations });
    expect(status.ips).toHaveLength(1);
    expect(typeof status.createdAt).toBe('bigint');
    expect((await runtime.listPodSandboxes({ labels: config.labels }, ctx)).map((each) => each.id)).toEqual([id]);
    await runtime.stopPodSandbox(id, ctx);
    expect((await runtime.podSandboxStatus(id, ctx)).state).toBe('notReady');
    await runtime.removePodSandbox(id, ctx);
    expect(await runtime.listPodSandboxes({ labels: config.labels }, ctx)).toEqual([]);
  });

  it('two sandboxes of one pod need different attempts', async () => {
    const engine = engineOf();
    const { runtime } = engine.runtime;
    const config = sandboxOf(engine);
    const first = await runtime.runPodSandbox(config, ctx);
    await expect(runtime.runPodSandbox(config, ctx)).rejects.toThrow(/is reserved for/);
    const second = await runtime.runPodSandbox({ ...config, metadata: { ...config.metadata, attempt: 1 } }, ctx);
    for (const id of [first, second]) await runtime.removePodSandbox(id, ctx);
  });

  it('a container goes from created to running to exited, with times and code', () =>
    withContainer('fail', async ({ container, sandbox }) => {
      const { runtime } = engineOf().runtime;
      await until(async () => (await stateOf(container)) === 'exited');
      const status = await runtime.containerStatus(container, ctx);
      expect(status).toMatchObject({ exitCode: 1, reason: 'Error', metadata: { name: 'main', attempt: 0 }, labels: { role: 'test' } });
      expect(status.startedAt > 0n && status.finishedAt > 0n).toBe(true);
      expect(status.logPath).toContain('main-0.log');
      const [listed] = await runtime.listContainers({ sandboxId: sandbox }, ctx);
      expect(listed).toMatchObject({ id: container, sandboxId: sandbox, state: 'exited', annotations: { life: '0' } });
    }));

  it('stops a container that listens at once', () =>
    withContainer('forever', async ({ container }) => {
      expect(await stateOf(container)).toBe('running');
      await engineOf().runtime.runtime.stopContainer(container, 30, ctx);
      expect(await stateOf(container)).toBe('exited');
      await engineOf().runtime.runtime.stopContainer(container, 30, ctx);
    }));

  it('kills a container that does not listen when its grace is over', () =>
    withContainer('stubborn', async ({ container }) => {
      await engineOf().runtime.runtime.stopContainer(container, 1, ctx);
      expect(await engineOf().runtime.runtime.containerStatus(container, ctx)).toMatchObject({ state: 'exited', exitCode: 137 });
    }));

  it('fails to start a program that is not there, and the container has ended', async () => {
    const engine = engineOf();
    const { runtime } = engine.runtime;
    const sandboxConfig = sandboxOf(engine);
    const sandboxId = await runtime.runPodSandbox(sandboxConfig, ctx);
    const config = containerOf(engine, engine.command('missing'));
    const id = await runtime.createContainer({ sandboxId, config, sandboxConfig }, ctx);
    await expect(runtime.startContainer(id, ctx)).rejects.toThrow(/no such file or directory/);
    expect(await runtime.containerStatus(id, ctx)).toMatchObject({ state: 'exited', exitCode: 128, reason: 'StartError' });
    await runtime.removePodSandbox(sandboxId, ctx);
  });

  it('tells of starts and ends as they happen', async () => {
    const { runtime } = engineOf().runtime;
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const event of runtime.events({ signal: stop.signal })) seen.push(`${event.type} ${event.containerId}`);
    })().catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await withContainer('forever', async ({ container }) => {
      await runtime.stopContainer(container, 30, ctx);
      await until(() => Promise.resolve(seen.includes(`started ${container}`) && seen.includes(`stopped ${container}`)));
    });
    stop.abort();
    await following;
  });

  it('knows images by every name, and says nothing of others', async () => {
    const { images } = engineOf().runtime;
    const { image } = engineOf();
    const found = await images.imageStatus({ image }, ctx);
    expect(found?.repoTags).toContain(image);
    expect((await images.imageStatus({ image: found!.id }, ctx))?.id).toBe(found!.id);
    expect(await images.imageStatus({ image: 'docker.io/library/absent:0' }, ctx)).toBeUndefined();
    await images.removeImage({ image: 'docker.io/library/absent:0' }, ctx);
  });

  it('what is missing is NotFound where it is asked for and fine where it is removed', async () => {
    const { runtime } = engineOf().runtime;
    const missing = 'f'.repeat(64);
    const failure = async (call: Promise<unknown>): Promise<boolean> =>
      call.then(() => false).catch((error) => isRuntimeError(error, 'NotFound'));
    expect(await failure(runtime.containerStatus(missing, ctx))).toBe(true);
    expect(await failure(runtime.podSandboxStatus(missing, ctx))).toBe(true);
    await runtime.stopContainer(missing, 0, ctx);
    await runtime.removeContainer(missing, ctx);
    await runtime.stopPodSandbox(missing, ctx);
    await runtime.removePodSandbox(missing, ctx);
  });

  it('gives up a call when told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(
      withContainer('stubborn', ({ container }) => engineOf().runtime.runtime.stopContainer(container, 30, { signal })),
    ).rejects.toThrow('enough');
  });
}
