import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/index.ts';
import { connectCri, type Runtime, RuntimeError } from '../../src/kubelet/index.ts';
import { runtimeContract } from '../../src/kubelet/runtime/runtime.suite.ts';
import { engineUnavailable, startTestEngine, type TestEngine } from '../support/test-engine.ts';
import { testBusyboxImage } from '../support/test-images.ts';

const unavailable = engineUnavailable();

const commands = {
  forever: ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'],
  fail: ['false'],
  stubborn: ['sleep', '100000'],
  missing: ['/missing'],
} as const;

describe.skipIf(unavailable)(`containerd${unavailable ? ` (skipped: ${unavailable})` : ''}`, () => {
  let engine: TestEngine;
  let runtime: Runtime;
  beforeAll(async () => {
    engine = await startTestEngine('cri');
    runtime = connectCri(engine.socket, { clock: systemClock });
  }, 60_000);
  afterAll(async () => {
    await runtime?.close();
    await engine?.stop();
  }, 60_000);

  runtimeContract(() => ({
    runtime,
    image: testBusyboxImage,
    logDirectory: engine.directory,
    cgroupParent: engine.cgroupRoot,
    command: (what) => commands[what],
  }));

  it('can be asked again after it was killed and started', async () => {
    const ctx = { signal: new AbortController().signal };
    await engine.kill();
    await expect(runtime.runtime.version(ctx)).rejects.toMatchObject({ code: 'Unavailable' } satisfies Partial<RuntimeError>);
    await engine.restart();
    for (let tries = 0; ; tries++) {
      const answer = await runtime.runtime.version(ctx).catch((error: RuntimeError) => error);
      if (!(answer instanceof RuntimeError)) break;
      expect(tries).toBeLessThan(100);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
