import { describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { defaultThresholds } from '../eviction/thresholds.ts';
import type { MachineFacts } from '../host/host.ts';
import { createSimulatedHost } from '../host/simulated-host.ts';
import { testPod } from '../pods/testing.ts';
import { admitPod, type AdmissionInput } from './admission.ts';
import { conditionEvent, nodeConditions } from './conditions.ts';
import { nodeAllocatable, nodeCapacity } from './machine-resources.ts';
import { nodeStatusPatch } from './node-status-patch.ts';

const node = (fields: { labels?: Record<string, string>; taints?: corev1.Taint[] } = {}): corev1.Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', uid: 'n', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', labels: fields.labels ?? {} },
  spec: { taints: fields.taints ?? [] },
  status: {},
});

describe('admission', () => {
  function check(title: string, spec: Partial<corev1.PodSpec>, expected: string | undefined, input: Partial<AdmissionInput> = {}): void {
    it(title, () => {
      const verdict = admitPod({
        pod: testPod(spec),
        node: node({ labels: { disk: 'hdd' } }),
        others: [],
        allocatable: { cpu: '2', memory: '1Gi', pods: '10' },
        appArmor: false,
        allowedUnsafeSysctls: [],
        pressures: [],
        ...input,
      });
      expect(verdict && `${verdict.reason}: ${verdict.message}`).toBe(expected);
    });
  }
  const asks = (requests: Record<string, string>): Partial<corev1.PodSpec> => ({ containers: [{ name: 'main', resources: { requests } }] });
  const port = { containers: [{ name: 'main', ports: [{ containerPort: 1, hostPort: 80 }] }] };

  check('a pod that fits is taken', asks({ cpu: '2' }), undefined);
  check(
    'too much CPU',
    asks({ cpu: '1500m' }),
    "OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
    { others: [testPod(asks({ cpu: '1' }))] },
  );
  check(
    'too much memory',
    asks({ memory: '2Gi' }),
    "OutOfmemory: Pod was rejected: Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824",
  );
  check('too many pods', {}, "OutOfpods: Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1", {
    others: [testPod()],
    allocatable: { pods: '1' },
  });
  check(
    "an extended resource that the node knows nothing of, which is the cluster's business",
    asks({ 'example.com/gpu': '1' }),
    undefined,
  );
  check(
    'labels that do not fit',
    { nodeSelector: { disk: 'ssd' } },
    "NodeAffinity: Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  );
  check('labels that fit', { nodeSelector: { disk: 'hdd' } }, undefined);
  check(
    'a port that is taken',
    port,
    "NodePorts: Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    { others: [testPod(port)] },
  );
  check('the same port of another protocol', port, undefined, {
    others: [testPod({ containers: [{ name: 'main', ports: [{ containerPort: 1, hostPort: 80, protocol: 'UDP' }] }] })],
  });
  check(
    'a NoExecute taint',
    {},
    "TaintToleration: Pod was rejected: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
    { node: node({ taints: [{ key: 'out', effect: 'NoExecute' }] }) },
  );
  check('a NoSchedule taint is the scheduler’s business', {}, undefined, {
    node: node({ taints: [{ key: 'out', effect: 'NoSchedule' }] }),
  });
  check(
    'AppArmor on a machine without',
    { containers: [{ name: 'main', securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }] },
    'AppArmor: Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host',
  );
  const sysctl = (name: string): Partial<corev1.PodSpec> => ({ securityContext: { sysctls: [{ name, value: '1' }] } });
  check('a safe sysctl', sysctl('net.ipv4.tcp_syncookies'), undefined);
  check('an unsafe one', sysctl('kernel.msgmax'), 'SysctlForbidden: Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted');
  check('an unsafe one that is allowed', sysctl('kernel.msgmax'), undefined, { allowedUnsafeSysctls: ['kernel.msg*'] });
  check(
    'another operating system',
    { os: { name: 'windows' } },
    "PodOSNotSupported: Pod was rejected: Failed to admit pod as the OS field doesn't match node OS",
  );
  check('pressure of disk', {}, 'Evicted: Pod was rejected: The node had condition: [DiskPressure]. ', { pressures: ['DiskPressure'] });
  check('pressure of memory spares pods that ask for some', asks({ memory: '1Mi' }), undefined, { pressures: ['MemoryPressure'] });
});

describe('what the node has and gives', () => {
  const gib = 1024 ** 3;
  const machine: MachineFacts = {
    ...createSimulatedHost({ cpus: 2, memoryBytes: 4 * gib, diskBytes: 100 * gib }).machine,
    hugepages: { 'hugepages-2Mi': '524288Ki' },
  };
  it('counts everything in the capacity, in the words of the API server', () => {
    expect(nodeCapacity(machine, 110)).toEqual({
      cpu: '2',
      memory: '4Gi',
      'ephemeral-storage': '100Gi',
      'hugepages-2Mi': '512Mi',
      pods: '110',
    });
  });
  it('takes reservations, eviction thresholds and huge pages from what it gives', () => {
    const options = {
      maxPods: 5,
      kubeReserved: { cpu: '200m', memory: '256Mi' },
      systemReserved: { cpu: '100m' },
      thresholds: defaultThresholds,
    };
    const given = nodeAllocatable(machine, options);
    expect(given).toMatchObject({ cpu: '1700m', pods: '5', 'ephemeral-storage': '90Gi' });
    expect(given['memory']).toBe(`${4 * 1024 - (256 + 100 + 512)}Mi`);
  });
});

describe('conditions', () => {
  const now = '2026-01-01T00:00:10Z';
  it('of a healthy node', () => {
    expect(
      nodeConditions({ pressures: [], faults: [] }, undefined, now).map(({ type, status, message }) => `${type}=${status}: ${message}`),
    ).toEqual([
      'MemoryPressure=False: kubelet has sufficient memory available',
      'DiskPressure=False: kubelet has no disk pressure',
      'PIDPressure=False: kubelet has sufficient PID available',
      'Ready=True: kubelet is posting ready status',
    ]);
  });
  it('of a node with faults, keeping the time of the change', () => {
    const before = nodeConditions({ pressures: [], faults: ['a'] }, undefined, '2026-01-01T00:00:00Z');
    const ready = nodeConditions({ pressures: [], faults: ['a', 'b'] }, before, now).at(-1);
    expect(ready).toEqual({
      type: 'Ready',
      status: 'False',
      reason: 'KubeletNotReady',
      message: '[a, b]',
      lastHeartbeatTime: now,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
  });
  it('have their events', () => {
    expect(conditionEvent({ type: 'Ready', status: 'True' })).toBe('NodeReady');
    expect(conditionEvent({ type: 'DiskPressure', status: 'True' })).toBe('NodeHasDiskPressure');
    expect(conditionEvent({ type: 'Other', status: 'True' })).toBeUndefined();
  });
});

describe('the status patch', () => {
  const status: corev1.NodeStatus = {
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    capacity: { cpu: '2' },
    conditions: nodeConditions({ pressures: [], faults: [] }, undefined, '2026-01-01T00:00:00Z'),
  };
  const stored = { ...node(), status };
  it('is nothing for a status that is known, but for the heartbeat', () => {
    const later = { ...status, conditions: nodeConditions({ pressures: [], faults: [] }, status.conditions, '2026-01-01T00:05:00Z') };
    expect(nodeStatusPatch(stored, later, { heartbeat: false })).toBeUndefined();
    const offered = { ...stored, status: { ...stored.status, capacity: { ...stored.status.capacity, 'example.com/foo': '5' } } };
    expect(nodeStatusPatch(offered, later, { heartbeat: false }), 'what others offer stays').toBeUndefined();
    expect(nodeStatusPatch(stored, later, { heartbeat: true })).toEqual({ status: { conditions: later.conditions } });
  });
  it('takes away resources that are gone and replaces addresses', () => {
    const changed = { ...status, capacity: { memory: '1Gi' }, addresses: [{ type: 'InternalIP', address: '10.0.0.2' }] };
    expect(nodeStatusPatch(stored, changed, { heartbeat: false })).toMatchObject({
      status: { capacity: { memory: '1Gi', cpu: null }, addresses: [{ $patch: 'replace' }, { type: 'InternalIP', address: '10.0.0.2' }] },
    });
  });
});
