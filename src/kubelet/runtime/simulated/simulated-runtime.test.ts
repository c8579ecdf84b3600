import { beforeAll, describe } from 'vitest';
import { systemClock } from '../../../base/index.ts';
import { type EngineUnderTest, runtimeContract } from '../runtime.suite.ts';
import { createSimulatedRuntime } from './simulated-runtime.ts';

const image = 'docker.io/library/app:1';

describe('the simulated engine', () => {
  const runtime = createSimulatedRuntime({
    clock: systemClock,
    // What a container does is written in its command.
    script: ({ command: [what] }) => {
      if (what === 'fail') return { exitAfterMs: 5, exitCode: 1 };
      if (what === 'stubborn') return { ignoresStop: true };
      if (what === 'missing') return { startFails: 'exec: "missing": no such file or directory' };
      return {};
    },
  });
  const engine: EngineUnderTest = { runtime, image, logDirectory: '/logs', cgroupParent: '/suite', command: (what) => [what] };
  beforeAll(() => runtime.images.pullImage({ image: { image } }, { signal: new AbortController().signal }));
  runtimeContract(() => engine);
});
