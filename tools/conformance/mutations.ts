/** Features that can be turned off by one change of the code, and the rows that must notice. */
import { type Mutation, notRun, turnedOff } from './mutation.ts';
import { workloadMutations } from './mutations-of-workloads.ts';

const plugins = 'src/apiserver/admission/plugin-table.ts';
const kinds = 'src/api/kinds/index.ts';

/** An entry of the table of built-in resources. */
const notServed = (resource: string, rows: readonly string[]): Mutation => ({
  name: `${resource} is served`,
  file: kinds,
  find: `\n  ${resource},\n`,
  replace: '\n',
  rows,
});

export const mutations: readonly Mutation[] = [
  {
    name: 'a watch starts at its resourceVersion',
    file: 'src/apiserver/cache/watch-opener.ts',
    find: "const fromNow = version === '' || version === '0';",
    replace: 'const fromNow = true as boolean;',
    rows: ['watch-configmaps-from-resource-version', 'watch-configmaps-closed-and-restarted'],
  },
  {
    name: 'an object that comes into sight of a watch is an addition',
    file: 'src/apiserver/cache/watcher.ts',
    find: 'const saw = previous !== undefined && this.#inSight(previous);',
    replace: 'const saw = previous !== undefined;',
    rows: ['watch-configmaps-label-changed'],
  },
  {
    name: 'a watch tells what its selectors select',
    file: 'src/apiserver/cache/watcher.ts',
    find: 'return matches === undefined || matches(object);',
    replace: 'return true;',
    rows: ['watch-configmaps-with-multiple-watchers'],
  },
  {
    name: 'a list has pages',
    file: 'src/apiserver/cache/list-reader.ts',
    find: 'const most = limit === 0 ? Infinity : limit;',
    replace: 'const most = Infinity;',
    rows: ['API Chunking, server should return chunks of results for list calls'],
  },
  turnedOff(
    'a compacted version is gone',
    'src/apiserver/cache/list-reader.ts',
    'if (from.revision < this.#compactedRevision) throw tooOld(query, from);',
    ['API Chunking, server should support continue listing from the last key even if the original version has been compacted away'],
  ),
  notRun('the garbage collector', '(context, { garbageCollector }) => createGarbageCollector(context, garbageCollector)', [
    'Garbage Collector, delete replication controller, propagation policy background',
    'Garbage Collector, delete deployment,  propagation policy background',
    'Garbage Collector, delete replication controller, after owned pods',
    'Garbage Collector, dependency cycle',
  ]),
  notRun('the namespace controller', '(context, { namespace }) => createNamespaceController(context, namespace)', [
    'namespace-deletion-removes-pods',
    'namespace-deletion-removes-services',
    'Namespace, apply finalizer to a namespace',
  ]),
  turnedOff(
    'pods of a namespace go first',
    'src/controllers/namespace/namespace-controller.ts',
    'if (attempt.remaining.size > 0) return attempt;',
    ['Ordered Namespace Deletion'],
  ),
  notRun('the replication controller', 'createReplicationController', [
    'Kubectl, replication controller',
    'Kubectl, scale replication controller',
    'Kubectl, create service, replication controller',
  ]),
  notRun('the quota controller', '(context, { resourceQuota }) => createResourceQuotaController(context, resourceQuota)', [
    'ResourceQuota, update and delete',
    'ResourceQuota, quota scope, BestEffort and NotBestEffort scope',
  ]),
  {
    name: 'quotas are kept to',
    file: plugins,
    find: "name: 'ResourceQuota',\n    onByDefault: true",
    replace: "name: 'ResourceQuota',\n    onByDefault: false",
    rows: [
      'ResourceQuota, object count quota, pod',
      'ResourceQuota, object count quota, secret',
      'ResourceQuota, object count quota, service',
    ],
  },
  {
    name: 'pods are given their account',
    file: plugins,
    find: "{ name: 'ServiceAccount', onByDefault: true",
    replace: "{ name: 'ServiceAccount', onByDefault: false",
    rows: ['Service Account Tokens Must AutoMount', 'Service account tokens auto mount optionally'],
  },
  notRun(
    'the authority is published',
    '(context, { rootCa }) => (rootCa === undefined ? undefined : createRootCaController(context, { rootCa }))',
    ['RootCA ConfigMap test'],
  ),
  notRun('aggregated roles are filled', 'createClusterRoleAggregationController', ['SubjectReview, API Operations']),
  notRun('Services find their pods', '(context, { endpointSlice }) => createEndpointSliceController(context, endpointSlice)', [
    'Kubectl, guestbook application',
    'Kubectl, create service, replication controller',
    'EndpointSlice, creation/deletion',
    'EndpointSlice, "empty" Service',
  ]),
  notRun('Services have Endpoints', '(context, { endpoints }) => createEndpointsController(context, endpoints)', [
    'Endpoints, "empty" Service',
    'Endpoints, creation/deletion',
  ]),
  notRun(
    'Endpoints are mirrored',
    '(context, { endpointSliceMirroring }) => createEndpointSliceMirroringController(context, endpointSliceMirroring)',
    ['EndpointSlice Mirroring'],
  ),
  {
    name: 'unknown fields are told',
    file: 'src/apiserver/verbs/body.ts',
    find: "fieldValidation: options.fieldValidation ?? 'Warn',",
    replace: "fieldValidation: 'Ignore',",
    rows: ['Server side field validation, typed object', 'Server side field validation, typed unknown metadata'],
  },
  {
    name: 'a review is no table',
    file: 'src/apiserver/http/negotiation.ts',
    find: "if (plainOnly || group !== 'meta.k8s.io'",
    replace: "if (group !== 'meta.k8s.io'",
    rows: ['API metadata HTTP return'],
  },
  {
    name: 'discovery in one document',
    file: 'src/apiserver/discovery/accept-aggregated.ts',
    find: 'return best?.form ?? legacy;',
    replace: 'return best ? legacy : legacy;',
    rows: ['Aggregated Discovery Interface', 'Aggregated Discovery Endpoint Accept Headers'],
  },
  {
    name: 'dry runs write nothing',
    file: 'src/apiserver/verbs/options.ts',
    find: '...(dryRun.length > 0 && { dryRun: true }),\n    ...(booleanParameter',
    replace: '...(booleanParameter',
    rows: ['Kubectl, server-side dry-run Pod'],
  },
  turnedOff(
    'logs end where they are told to begin',
    'src/apiserver/subresources/log-options.ts',
    "if (tailLines !== undefined) kubelet.set('tailLines', String(tailLines));",
    ['Kubectl, logs'],
  ),
  turnedOff(
    'the keys of tokens are published',
    'src/apiserver/subresources/issuer-discovery.ts',
    "endpoint('/openid/v1/jwks', 'application/jwk-set+json', () => keys.jwks()),",
    ['OIDC Discovery (ServiceAccountIssuerDiscovery)'],
  ),
  {
    name: 'the status of a FlowSchema can be written',
    file: 'src/api/kinds/flowcontrol/flow-schema.ts',
    find: 'schema.spec = old.spec as Draft<FlowSchemaSpec>;',
    replace: 'Object.assign(schema, { spec: old.spec, status: old.status });',
    rows: ['Priority and Fairness FlowSchema API'],
  },
  notServed('certificateSigningRequestResource', ['CertificateSigningRequest API']),
  notServed('eventsEventResource', [
    'New Event resource lifecycle, testing a single event',
    'New Event resource lifecycle, testing a list of events',
  ]),
  ...workloadMutations,
];
