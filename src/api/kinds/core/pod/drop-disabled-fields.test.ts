import { expect, test } from 'vitest';
import { featureEnabledByDefault } from '../../../feature-gates.ts';
import type { PodSpec } from '../../../gen/core-v1.ts';
import { deepCopy } from '../../../json/index.ts';
import { dropDisabledPodFields } from './drop-disabled-fields.ts';

const container = { name: 'c', image: 'i' };

/** A pod that uses one gated feature, and the same pod without it. */
const uses: readonly (readonly [gate: string, on: boolean, withIt: Partial<PodSpec>, without: Partial<PodSpec>])[] = [
  [
    'EnvFiles',
    false,
    { containers: [{ ...container, env: [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'A' } } }] }] },
    { containers: [{ ...container, env: [{ name: 'A', valueFrom: {} }] }] },
  ],
  [
    'DynamicResourceAllocation',
    false,
    {
      resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }],
      containers: [{ ...container, resources: { claims: [{ name: 'gpu' }], requests: { cpu: '1' } } }],
    },
    { containers: [{ ...container, resources: { requests: { cpu: '1' } } }] },
  ],
  [
    'ContainerStopSignals',
    false,
    { containers: [{ ...container, lifecycle: { stopSignal: 'SIGUSR1' } }] },
    { containers: [{ ...container, lifecycle: {} }] },
  ],
  ['GenericWorkload', false, { workloadRef: { name: 'w', podGroup: 'g' } }, {}],
  ['ImageVolume', true, { volumes: [{ name: 'v', image: { reference: 'r' } }] }, { volumes: [{ name: 'v' }] }],
  ['PodLevelResources', true, { resources: { limits: { cpu: '1' } } }, {}],
  ['HostnameOverride', true, { hostnameOverride: 'h' }, {}],
  ['UserNamespacesSupport', true, { hostUsers: false }, {}],
  [
    'ContainerRestartRules',
    true,
    { containers: [{ ...container, restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart' }] }] },
    { containers: [container] },
  ],
];

const podWith = (part: Partial<PodSpec>): PodSpec => ({ containers: [container], ...part });

test.each(uses)('%s is by default on: %s', (gate, on, withIt, without) => {
  const draft = deepCopy(podWith(withIt));
  dropDisabledPodFields(draft, undefined, featureEnabledByDefault);
  expect(draft).toEqual(podWith(on ? withIt : without));
  const switched = deepCopy(podWith(withIt));
  dropDisabledPodFields(switched, undefined, (asked) => (asked === gate ? !on : featureEnabledByDefault(asked)));
  expect(switched).toEqual(podWith(on ? without : withIt));
});

test.each(uses)('%s stays in a pod that has it stored already', (_gate, _on, withIt) => {
  const draft = deepCopy(podWith(withIt));
  dropDisabledPodFields(draft, podWith(withIt), () => false);
  expect(draft).toEqual(podWith(withIt));
});
