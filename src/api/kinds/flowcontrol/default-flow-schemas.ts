/**
 * The flow schemas that every cluster begins with. Two are mandatory: what they say cannot be changed; the others are suggested, and
 * an administrator may make them his own.
 * @source apiserver pkg/apis/flowcontrol/bootstrap/default.go, v1.35
 */
import type { FlowSchema, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../../gen/flowcontrol-v1.ts';
import type { Unsaved } from '../../object.ts';
import { autoUpdateAnnotation } from './default-priority-levels.ts';

type Schema = Unsaved<FlowSchema>;

const everybody = groups('system:unauthenticated', 'system:authenticated');
const nodes = groups('system:nodes');
const systemAccounts = accounts('*');
const electing = { verbs: ['get', 'create', 'update'], namespaces: ['*'] };
const leases: ResourcePolicyRule = { ...electing, apiGroups: ['coordination.k8s.io'], resources: ['leases'] };

export const mandatoryFlowSchemas: readonly Schema[] = [
  schema('exempt', { level: 'exempt', precedence: 1 }, [anything(groups('system:masters'))]),
  schema('catch-all', { level: 'catch-all', precedence: 10_000, by: 'ByUser' }, [anything(everybody)]),
];

export const suggestedFlowSchemas: readonly Schema[] = [
  schema('system-nodes', { level: 'system', precedence: 500, by: 'ByUser' }, [anything(nodes)]),
  schema('system-node-high', { level: 'node-high', precedence: 400, by: 'ByUser' }, [
    {
      subjects: nodes,
      resourceRules: [
        { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], namespaces: ['*'], clusterScope: true },
        { ...leases, verbs: ['*'] },
      ],
    },
  ]),
  schema('probes', { level: 'exempt', precedence: 2 }, [
    { subjects: everybody, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] },
  ]),
  schema('system-leader-election', { level: 'leader-election', precedence: 100, by: 'ByUser' }, [
    { subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts], resourceRules: [leases] },
  ]),
  // Endpoints were elected by once: what the controllers of Endpoints write must not be taken for an election.
  schema('endpoint-controller', { level: 'workload-high', precedence: 150, by: 'ByUser' }, [
    {
      subjects: [...users('system:kube-controller-manager'), ...accounts('endpoint-controller', 'endpointslicemirroring-controller')],
      resourceRules: [{ ...electing, apiGroups: [''], resources: ['endpoints'] }],
    },
  ]),
  schema('workload-leader-election', { level: 'leader-election', precedence: 200, by: 'ByUser' }, [
    { subjects: systemAccounts, resourceRules: [{ ...electing, apiGroups: [''], resources: ['endpoints', 'configmaps'] }, leases] },
  ]),
  schema('kube-controller-manager', { level: 'workload-high', precedence: 800, by: 'ByNamespace' }, [
    anything(users('system:kube-controller-manager')),
  ]),
  schema('kube-scheduler', { level: 'workload-high', precedence: 800, by: 'ByNamespace' }, [anything(users('system:kube-scheduler'))]),
  schema('kube-system-service-accounts', { level: 'workload-high', precedence: 900, by: 'ByNamespace' }, [anything(systemAccounts)]),
  schema('service-accounts', { level: 'workload-low', precedence: 9_000, by: 'ByUser' }, [anything(groups('system:serviceaccounts'))]),
  schema('global-default', { level: 'global-default', precedence: 9_900, by: 'ByUser' }, [anything(everybody)]),
];

function schema(
  name: string,
  of: { readonly level: string; readonly precedence: number; readonly by?: 'ByUser' | 'ByNamespace' },
  rules: readonly PolicyRulesWithSubjects[],
): Schema {
  return {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name, annotations: { [autoUpdateAnnotation]: 'true' } },
    spec: {
      priorityLevelConfiguration: { name: of.level },
      matchingPrecedence: of.precedence,
      ...(of.by && { distinguisherMethod: { type: of.by } }),
      rules,
    },
    status: {},
  };
}

/** Everything that these subjects may ask for. */
function anything(subjects: readonly Subject[]): PolicyRulesWithSubjects {
  return {
    subjects,
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  };
}

function groups(...names: string[]): Subject[] {
  return names.map((name) => ({ kind: 'Group', group: { name } }));
}

function users(...names: string[]): Subject[] {
  return names.map((name) => ({ kind: 'User', user: { name } }));
}

function accounts(...names: string[]): Subject[] {
  return names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } }));
}
