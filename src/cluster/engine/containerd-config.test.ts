import { expect, test } from 'vitest';
import { hasSysResource } from './oom-score.ts';
import { type ContainerdConfig, renderContainerdConfig } from './containerd-config.ts';

const config: ContainerdConfig = {
  root: '/d/root',
  state: '/d/state',
  socket: '/d/cri.sock',
  cniBinaries: '/usr/lib/cni',
  cniConfig: '/d/cni',
  registryConfig: '/d/certs.d',
  optDirectory: '/d/opt',
  pauseImage: 'registry.k8s.io/pause:3.10',
  lowersOomScore: true,
};

test.each([
  ['where the score may be lowered the engine does what the kubelet says', { lowersOomScore: true }, 'restrict_oom_score_adj = false'],
  ['where it may not, sandboxes start all the same', { lowersOomScore: false }, 'restrict_oom_score_adj = true'],
  ['a runc of its own is named', { runcPath: '/home/"x"/runc' }, String.raw`BinaryName = "/home/\"x\"/runc"`],
  ["runc's state stands with the node's", {}, 'Root = "/d/state/runc"'],
])('%s', (_name, change, line) => {
  expect(
    renderContainerdConfig({ ...config, ...change })
      .split('\n')
      .map((each) => each.trim()),
  ).toContain(line);
});

test.each([
  ['all capabilities', 'Name:\tnode\nCapInh:\t0000000000000000\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n', true],
  ['all but CAP_SYS_RESOURCE', 'CapPrm:\t000001ffffffffff\nCapEff:\t000001fffeffffff\n', false],
  ['none', 'CapEff:\t0000000000000000\n', false],
  ['no such line', '', false],
])('a process with %s', (_name, status, expected) => {
  expect(hasSysResource(status)).toBe(expected);
});
