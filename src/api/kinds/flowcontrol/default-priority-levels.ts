/**
 * The priority levels that every cluster begins with. Two are mandatory: what they say cannot be changed; the others are suggested,
 * and an administrator may make them his own.
 * @source apiserver pkg/apis/flowcontrol/bootstrap/default.go, v1.35
 */
import type { LimitedPriorityLevelConfiguration, PriorityLevelConfiguration } from '../../gen/flowcontrol-v1.ts';
import type { Unsaved } from '../../object.ts';

/** While it is "true" the server keeps the object's spec as it wants it. */
export const autoUpdateAnnotation = 'apf.kubernetes.io/autoupdate-spec';

type Level = Unsaved<PriorityLevelConfiguration>;

export const mandatoryPriorityLevels: readonly Level[] = [
  level('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
  limited('catch-all', { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } }),
];

export const suggestedPriorityLevels: readonly Level[] = [
  queued('system', { shares: 30, lendable: 33, queues: 64, handSize: 6 }),
  queued('node-high', { shares: 40, lendable: 25, queues: 64, handSize: 6 }),
  queued('leader-election', { shares: 10, lendable: 0, queues: 16, handSize: 4 }),
  queued('workload-high', { shares: 40, lendable: 50, queues: 128, handSize: 6 }),
  queued('workload-low', { shares: 100, lendable: 90, queues: 128, handSize: 6 }),
  queued('global-default', { shares: 20, lendable: 50, queues: 128, handSize: 6 }),
];

function level(name: string, spec: PriorityLevelConfiguration['spec']): Level {
  return {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'PriorityLevelConfiguration',
    metadata: { name, annotations: { [autoUpdateAnnotation]: 'true' } },
    spec,
    status: {},
  };
}

function limited(name: string, configuration: LimitedPriorityLevelConfiguration): Level {
  return level(name, { type: 'Limited', limited: configuration });
}

function queued(
  name: string,
  of: { readonly shares: number; readonly lendable: number; readonly queues: number; readonly handSize: number },
): Level {
  return limited(name, {
    nominalConcurrencyShares: of.shares,
    lendablePercent: of.lendable,
    limitResponse: { type: 'Queue', queuing: { queues: of.queues, handSize: of.handSize, queueLengthLimit: 50 } },
  });
}
