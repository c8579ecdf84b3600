import { expect, test } from 'vitest';
import { lastError } from './last-error.ts';

test.each([
  ['a logged error, with its cause', '{"level":"error","msg":"no lease","err":{"message":"disk full"}}', 'no lease: disk full'],
  [
    'what nobody expected, by its message alone',
    '{"level":"error","msg":"unexpected","err":{"message":"EROFS: read-only"}}',
    'EROFS: read-only',
  ],
  ['behind what a library wrote', 'Write error{"level":"error","msg":"unexpected","err":{"message":"no space"}}', 'no space'],
  ['what the command says to people', 'knarr: containerd is not installed', 'containerd is not installed'],
  ['what the engine logs', 'time="2026-11-23T14:00:00Z" level=fatal msg="no \\"root\\"" error=x', 'no "root"'],
  [
    'why the engine has no CRI',
    'time="x" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" error="no snapshotter \\"overlayfs\\""',
    'no snapshotter "overlayfs"',
  ],
  ['what the engine prints', 'containerd: failed to load TOML', 'failed to load TOML'],
  ['what ended Node', 'TypeError: x is not a function\n    at y (z.ts:1:2)\n\nNode.js v26.10.0', 'TypeError: x is not a function'],
  ['the last of several', 'knarr: first\n{"level":"error","msg":"second"}\n{"level":"info","msg":"third"}', 'second'],
  ['nothing in a log without errors', '{"level":"warn","msg":"careful"}\nplain words\n', undefined],
  ['nothing in a line that was cut off', '{"level":"error","msg":"hal', undefined],
])('the last error is %s', (_, log, error) => {
  expect(lastError(log)).toBe(error);
});
