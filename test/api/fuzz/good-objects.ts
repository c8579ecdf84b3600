/** One good object of every kind that can be written: where a case begins before it is made worse. */
import type { JsonObject } from '../../../src/api/index.ts';

const container = {
  name: 'c',
  image: 'i',
  ports: [{ containerPort: 80 }],
  env: [{ name: 'A', value: 'b' }],
  resources: { limits: { cpu: '1' } },
};
const podSpec = { containers: [container], volumes: [{ name: 'v', emptyDir: {} }], restartPolicy: 'Always' };
const selector = { matchLabels: { a: 'b' } };
const template = { metadata: { labels: { a: 'b' } }, spec: podSpec };
const workload = { replicas: 1, selector, template };
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const jobSpec = {
  completionMode: 'Indexed',
  completions: 2,
  parallelism: 2,
  backoffLimitPerIndex: 1,
  podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1, 2], containerName: 'c' } }] },
  successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] },
  template: { spec: { ...podSpec, restartPolicy: 'Never' } },
};
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' };
const microTime = '2026-01-01T00:00:00.000000Z';
const rbac = 'rbac.authorization.k8s.io';
const subjects = [{ kind: 'User', apiGroup: rbac, name: 'u' }];
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const access = { resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' } };
const serviceCidr = { spec: { cidrs: ['10.200.0.0/24'] } };
const address = { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } } };
const attributesClass = { driverName: 'd.x.io', parameters: { a: 'b' } };
/** A request for a certificate, in PEM and base64. */
const certificateRequest =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIYk1JR0RBZ0VBTUNFeERUQUxCZ05WQkFNTUJHWjFlbm94RURBT0JnTlZCQW9NQjJaMWVucGxjbk13V1RBVApC' +
  'Z2NxaGtqT1BRSUJCZ2dxaGtqT1BRTUJCd05DQUFSbVgrT0JCSm1DdnlhODFqY05WS0w4dkQyTW9JUTJ5ejhmCmtOYkxmNC96S1FOanlsckUyRll2ai9WUTk5KzFsWHpON25P' +
  'd1gwcCtWekRYeHBtV3o1WVFvQUF3Q2dZSUtvWkkKemowRUF3SURSd0F3UkFJZ09waWZHdkIvWWJJVzMvU1cwUktWWUpmbnZSbUtxZTBnci9NTEtFb2YyMlVDSUZaagplZURF' +
  'bUwzbTVHajRlYmQ2Wkd2Qi95UmFXakYwZG1NQ0pOZ21YZHhUCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=';

/** By `resource.group` or, where versions differ, `resource.version.group`; without what every object says of itself. */
const goodObjects: Readonly<Record<string, object>> = {
  bindings: { target: { kind: 'Node', name: 'fuzz-a' } },
  configmaps: { data: { a: 'b' }, binaryData: { c: 'ZA==' } },
  secrets: { data: { a: 'Yg==' }, type: 'Opaque' },
  pods: { spec: podSpec },
  services: { spec: { ports: [{ port: 80, targetPort: 'http' }], selector: { a: 'b' }, type: 'ClusterIP' } },
  endpoints: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  serviceaccounts: { secrets: [{ name: 'a' }] },
  events: { involvedObject: { namespace: 'default', name: 'p' }, reason: 'R', type: 'Normal', count: 1 },
  nodes: { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] }, status: { capacity: { cpu: '1' } } },
  namespaces: { spec: { finalizers: ['kubernetes'] } },
  limitranges: { spec: { limits: [{ type: 'Container', default: { cpu: '1' }, max: { memory: '1Gi' } }] } },
  resourcequotas: { spec: { hard: { pods: '100', 'requests.cpu': '100' }, scopes: ['NotTerminating'] } },
  persistentvolumes: {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, storageClassName: 's' },
  },
  persistentvolumeclaims: { spec: claimSpec },
  podtemplates: { template },
  replicationcontrollers: { spec: { ...workload, selector: { a: 'b' } } },
  'deployments.apps': { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: '25%' } } } },
  'replicasets.apps': { spec: workload },
  'controllerrevisions.apps': { revision: 1, data: { spec: workload } },
  'daemonsets.apps': { spec: { selector, template, updateStrategy: { rollingUpdate: { maxUnavailable: '10%' } } } },
  'statefulsets.apps': {
    spec: {
      ...workload,
      serviceName: 's',
      ordinals: { start: 1 },
      updateStrategy: { rollingUpdate: { partition: 1 } },
      volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: claimSpec }],
    },
  },
  'jobs.batch': { spec: jobSpec },
  'cronjobs.batch': { spec: { schedule: '*/5 1-3 * JAN mon', timeZone: 'Etc/UTC', jobTemplate: { spec: jobSpec } } },
  'poddisruptionbudgets.policy': { spec: { minAvailable: '50%', selector, unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
  'horizontalpodautoscalers.v1.autoscaling': { spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } },
  'horizontalpodautoscalers.autoscaling': {
    spec: {
      scaleTargetRef,
      maxReplicas: 3,
      metrics: [{ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1k' } } }],
      behavior: { scaleDown: { tolerance: '10m', policies: [{ type: 'Pods', value: 1, periodSeconds: 5 }] } },
    },
  },
  'leases.coordination.k8s.io': { spec: { holderIdentity: 'h', renewTime: microTime } },
  'endpointslices.discovery.k8s.io': {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    ports: [{ port: 80 }],
  },
  'events.events.k8s.io': {
    eventTime: microTime,
    action: 'a',
    reason: 'r',
    type: 'Normal',
    reportingController: 'x.io/y',
    reportingInstance: 'z',
  },
  'priorityclasses.scheduling.k8s.io': { value: 1, globalDefault: false },
  'runtimeclasses.node.k8s.io': { handler: 'h', overhead: { podFixed: { cpu: '1m' } } },
  'certificatesigningrequests.certificates.k8s.io': {
    spec: { request: certificateRequest, signerName: 'x.io/y', usages: ['digital signature'] },
  },
  'flowschemas.flowcontrol.apiserver.k8s.io': {
    spec: {
      priorityLevelConfiguration: { name: 'global-default' },
      matchingPrecedence: 9000,
      rules: [{ subjects: [{ kind: 'User', user: { name: 'u' } }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }],
    },
  },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': {
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Queue', queuing: { queues: 8 } } } },
  },
  'ingressclasses.networking.k8s.io': { spec: { controller: 'x.io/y' } },
  'ingresses.networking.k8s.io': {
    spec: {
      rules: [
        { host: 'a.b', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }] } },
      ],
    },
  },
  'networkpolicies.networking.k8s.io': {
    spec: {
      podSelector: selector,
      ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }], ports: [{ port: 80 }] }],
    },
  },
  'ipaddresses.networking.k8s.io': address,
  'servicecidrs.networking.k8s.io': serviceCidr,
  [`roles.${rbac}`]: { rules },
  [`clusterroles.${rbac}`]: { rules, aggregationRule: { clusterRoleSelectors: [selector] } },
  [`rolebindings.${rbac}`]: { subjects, roleRef: { apiGroup: rbac, kind: 'Role', name: 'r' } },
  [`clusterrolebindings.${rbac}`]: { subjects, roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'r' } },
  'csidrivers.storage.k8s.io': { spec: { attachRequired: true, volumeLifecycleModes: ['Persistent'] } },
  'csinodes.storage.k8s.io': { spec: { drivers: [{ name: 'd.x.io', nodeID: 'n', topologyKeys: ['x.io/zone'] }] } },
  'csistoragecapacities.storage.k8s.io': { storageClassName: 's', capacity: '1Gi', nodeTopology: selector },
  'storageclasses.storage.k8s.io': { provisioner: 'x.io/y', parameters: { a: 'b' }, reclaimPolicy: 'Delete' },
  'volumeattachments.storage.k8s.io': { spec: { attacher: 'x.io', nodeName: 'n', source: { persistentVolumeName: 'p' } } },
  'volumeattributesclasses.storage.k8s.io': attributesClass,
  'tokenreviews.authentication.k8s.io': { spec: { token: 'a.b.c', audiences: ['x'] } },
  'selfsubjectreviews.authentication.k8s.io': {},
  'localsubjectaccessreviews.authorization.k8s.io': { spec: { ...access, user: 'u' } },
  'subjectaccessreviews.authorization.k8s.io': { spec: { ...access, user: 'u', groups: ['g'] } },
  'selfsubjectaccessreviews.authorization.k8s.io': { spec: access },
  'selfsubjectrulesreviews.authorization.k8s.io': { spec: { namespace: 'default' } },
};

/** What bodies of subresources are, where they are not the object itself. */
const subresourceObjects: Readonly<Record<string, object>> = {
  Scale: { spec: { replicas: 2 } },
  Eviction: { deleteOptions: { gracePeriodSeconds: 0 } },
  Binding: { target: { kind: 'Node', name: 'fuzz-a' } },
  TokenRequest: { spec: { audiences: ['x'], expirationSeconds: 600 } },
};

/** Undefined for a kind that nobody thought of here: its cases come from the schema alone. */
export function goodObject(resource: {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}): JsonObject | undefined {
  const { group, version, plural } = resource;
  const suffix = group === '' ? '' : `.${group}`;
  // They are JSON trees.
  return (goodObjects[`${plural}.${version}${suffix}`] ?? goodObjects[`${plural}${suffix}`]) as JsonObject | undefined;
}

export function goodSubresource(kind: string): JsonObject | undefined {
  return subresourceObjects[kind] as JsonObject | undefined;
}

/** The names of a resource's objects: few, so that requests meet. */
export function namesOf(plural: string): readonly string[] {
  if (plural === 'ipaddresses') return ['10.96.7.1', '10.96.7.2', 'fd00::7'];
  return ['fuzz-a', 'fuzz-b', 'fuzz-c'];
}
