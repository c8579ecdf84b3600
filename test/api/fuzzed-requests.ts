/** Requests at random, made from the parts of good ones: most of each is good, so that they get far before they fail. */
import fc from 'fast-check';

export interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const container = {
  name: 'c',
  image: 'i',
  ports: [{ containerPort: 80 }],
  env: [{ name: 'A', value: 'b' }],
  resources: { limits: { cpu: '1' } },
};
const podSpec = { containers: [container], volumes: [{ name: 'v', emptyDir: {} }], restartPolicy: 'Always' };
const workload = {
  replicas: 1,
  selector: { matchLabels: { a: 'b' } },
  template: { metadata: { labels: { a: 'b' } }, spec: podSpec },
};
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

/** Where objects live, and one that could live there. */
export const fuzzedResources: readonly (readonly [path: string, kind: string, object: object])[] = [
  ['/api/v1/namespaces/default/configmaps', 'ConfigMap', { data: { a: 'b' }, binaryData: { c: 'ZA==' } }],
  ['/api/v1/namespaces/default/secrets', 'Secret', { data: { a: 'Yg==' }, type: 'Opaque' }],
  ['/api/v1/namespaces/default/pods', 'Pod', { spec: podSpec }],
  [
    '/api/v1/namespaces/default/services',
    'Service',
    { spec: { ports: [{ port: 80, targetPort: 'http' }], selector: { a: 'b' }, type: 'ClusterIP' } },
  ],
  ['/api/v1/namespaces/default/endpoints', 'Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }],
  ['/api/v1/namespaces/default/serviceaccounts', 'ServiceAccount', { secrets: [{ name: 'a' }] }],
  [
    '/api/v1/namespaces/default/events',
    'Event',
    { involvedObject: { namespace: 'default', name: 'p' }, reason: 'R', type: 'Normal', count: 1 },
  ],
  ['/api/v1/nodes', 'Node', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] }, status: { capacity: { cpu: '1' } } }],
  ['/api/v1/namespaces', 'Namespace', { spec: { finalizers: ['kubernetes'] } }],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    'Deployment',
    { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: '25%' } } } },
  ],
  ['/apis/apps/v1/namespaces/default/replicasets', 'ReplicaSet', { spec: workload }],
  ['/apis/apps/v1/namespaces/default/controllerrevisions', 'ControllerRevision', { revision: 1, data: { spec: workload } }],
  [
    '/apis/apps/v1/namespaces/default/daemonsets',
    'DaemonSet',
    { spec: { selector: workload.selector, template: workload.template, updateStrategy: { rollingUpdate: { maxUnavailable: '10%' } } } },
  ],
  [
    '/apis/apps/v1/namespaces/default/statefulsets',
    'StatefulSet',
    {
      spec: {
        ...workload,
        serviceName: 's',
        ordinals: { start: 1 },
        updateStrategy: { rollingUpdate: { partition: 1 } },
        volumeClaimTemplates: [
          { metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
        ],
      },
    },
  ],
  ['/api/v1/namespaces/default/replicationcontrollers', 'ReplicationController', { spec: { ...workload, selector: { a: 'b' } } }],
  ['/api/v1/namespaces/default/podtemplates', 'PodTemplate', { template: workload.template }],
  ['/apis/batch/v1/namespaces/default/jobs', 'Job', { spec: jobSpec }],
  [
    '/apis/batch/v1/namespaces/default/cronjobs',
    'CronJob',
    { spec: { schedule: '*/5 1-3 * JAN mon', timeZone: 'Etc/UTC', jobTemplate: { spec: jobSpec } } },
  ],
  [
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    'PodDisruptionBudget',
    { spec: { minAvailable: '50%', selector: workload.selector, unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
  ],
  [
    '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
    { spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } },
  ],
  [
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
    {
      spec: {
        scaleTargetRef,
        maxReplicas: 3,
        metrics: [{ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1k' } } }],
        behavior: { scaleDown: { tolerance: '10m', policies: [{ type: 'Pods', value: 1, periodSeconds: 5 }] } },
      },
    },
  ],
  ['/apis/coordination.k8s.io/v1/namespaces/default/leases', 'Lease', { spec: { holderIdentity: 'h', renewTime: microTime } }],
  [
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }], ports: [{ port: 80 }] },
  ],
  ['/apis/scheduling.k8s.io/v1/priorityclasses', 'PriorityClass', { value: 1, globalDefault: false }],
  ['/apis/node.k8s.io/v1/runtimeclasses', 'RuntimeClass', { handler: 'h', overhead: { podFixed: { cpu: '1m' } } }],
  [
    '/apis/events.k8s.io/v1/namespaces/default/events',
    'Event',
    { eventTime: microTime, action: 'a', reason: 'r', type: 'Normal', reportingController: 'x.io/y', reportingInstance: 'z' },
  ],
];

function mostly<T>(good: T, odd: fc.Arbitrary<T>, weight = 4): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: odd });
}

const oddValues = fc.oneof(
  fc.constantFrom<unknown>(null, '', 0, -1, 1.5, 2 ** 31, 2 ** 53, true, [], {}, [null], [[]], { a: null }, '1Gi', '-1', '100%', microTime),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.jsonValue({ maxDepth: 3 }),
);
const oddKeys = fc.constantFrom(...'metadata spec status __proto__ constructor $patch $retainKeys name kind apiVersion x'.split(' '));

interface Edit {
  /** Counts the places of the tree from its top. */
  readonly where: number;
  readonly key: string | undefined;
  readonly value: unknown;
}
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({ where: fc.nat(60), key: fc.option(oddKeys, { nil: undefined, freq: 2 }), value: oddValues }),
  { maxLength: 2 },
);

function edited(tree: object, changes: readonly Edit[]): unknown {
  const copy: unknown = structuredClone(tree);
  for (const { where, key, value } of changes) {
    const places = placesOf(copy);
    const [parent, at] = places[where % places.length]!;
    // A copy: the same odd value may come again and would then stand inside itself.
    Object.defineProperty(parent, key ?? at, { value: structuredClone(value), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

function placesOf(node: unknown): (readonly [object, string])[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, inner]) => [[node, key] as const, ...placesOf(inner)]);
}

/** What JSON cannot say, at any place of the text. */
const tears = fc.option(
  fc.record({
    at: fc.nat(400),
    text: fc.constantFrom('"', '{', '}', ',', '\\ud800', '\0', '9007199254740993', '1e999', '"a":1,"a":2,', '\u00ff'),
  }),
  { nil: undefined, freq: 10 },
);

const parameters = (
  'limit continue resourceVersion resourceVersionMatch labelSelector fieldSelector dryRun fieldManager fieldValidation force pretty ' +
  'gracePeriodSeconds propagationPolicy includeObject sendInitialEvents'
).split(' ');
const parameterValues = fc.oneof(
  fc.constantFrom('', ...'0 1 -1 true All Strict Exact a=b metadata.name=a Foreground eyJ2IjoxfQ'.split(' ')),
  fc.string({ maxLength: 8 }),
);
const queries = fc
  .array(fc.tuple(fc.constantFrom(...parameters), parameterValues), { minLength: 1, maxLength: 3 })
  .map((pairs) => new URLSearchParams(pairs).toString());

const operations = fc.array(
  fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
    path: fc.constantFrom(
      '',
      ...'/ /metadata/labels /metadata/labels/z /spec /data/a /spec/containers/0/name /__proto__/x /kind'.split(' '),
    ),
    from: fc.constantFrom('/spec', '/data', '/metadata', ''),
    value: oddValues,
  }),
  { maxLength: 3 },
);

const accepted = (
  'application/yaml application/json;as=Table;v=v1;g=meta.k8s.io text/html ;;, application/vnd.kubernetes.protobuf ' +
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io'
).split(' ');
const subresources = 'status scale binding eviction log exec token finalize proxy/x resize nope'.split(' ');
const bodyTypes = ['application/yaml', 'application/vnd.kubernetes.protobuf', 'text/plain', ''] as const;
const methods = 'GET POST POST POST PUT PUT PATCH PATCH PATCH DELETE HEAD OPTIONS'.split(' ');

const parts = fc.record({
  method: fc.constantFrom(...methods),
  resource: fc.constantFrom(...fuzzedResources),
  onCollection: fc.boolean(),
  name: mostly('', fc.constantFrom('a.b', 'A', '..', '%2F', '__proto__', 'x'.repeat(70)), 9),
  goodName: fc.constantFrom('a', 'b', 'c'),
  subresource: mostly<string>('', fc.constantFrom(...subresources)),
  namespace: mostly('default', fc.constantFrom('other', 'nope', '%2e%2e', ''), 9),
  query: mostly('', queries, 2),
  contentType: mostly<string>('application/json', fc.constantFrom(...bodyTypes), 9),
  patchType: fc.constantFrom('json-patch+json', 'merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml'),
  accept: mostly<string>('*/*', fc.constantFrom(...accepted)),
  changes: edits,
  tear: tears,
  operations,
});
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;

export const fuzzedRequests: fc.Arbitrary<FuzzedRequest> = parts.map((made) => ({
  method: made.method,
  path: pathOf(made),
  body: bodyOf(made),
  headers: {
    accept: made.accept,
    'content-type': made.method === 'PATCH' ? `application/${made.patchType}` : made.contentType,
  },
}));

function nameOf({ name, goodName }: Parts): string {
  return name === '' ? goodName : name;
}

function pathOf(made: Parts): string {
  const { method, resource, onCollection, subresource, namespace, query, patchType } = made;
  // Whole collections are not deleted, or hardly anything would be there to be changed.
  const isNamed = method === 'POST' ? subresource !== '' : !onCollection || !['GET', 'HEAD', 'OPTIONS'].includes(method);
  const collection = resource[0].replace('/namespaces/default/', `/namespaces/${namespace}/`);
  const manager = method === 'PATCH' && patchType === 'apply-patch+yaml' ? 'fieldManager=fuzz&' : '';
  return `${collection}${isNamed ? `/${nameOf(made)}` : ''}${isNamed && subresource !== '' ? `/${subresource}` : ''}?${manager}${query}`;
}

function bodyOf(made: Parts): string | undefined {
  const { method, resource, patchType, changes, tear } = made;
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || (method === 'DELETE' && !tear)) return undefined;
  const [path, kind, object] = resource;
  const apiVersion = path.startsWith('/api/') ? 'v1' : path.split('/').slice(2, 4).join('/');
  const tree = { apiVersion, kind, metadata: { name: nameOf(made), labels: { a: 'b' } }, ...object };
  const isJsonPatch = method === 'PATCH' && patchType === 'json-patch+json';
  const text = JSON.stringify(isJsonPatch ? made.operations : edited(tree, changes));
  if (!tear) return text;
  const at = tear.at % text.length;
  return text.slice(0, at) + tear.text + text.slice(at);
}
