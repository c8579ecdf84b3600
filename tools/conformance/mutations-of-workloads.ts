/** What controllers of workloads, of storage and of nodes, and the scheduler do, each turned off by one change. */
import { type Mutation, notRun, turnedOff } from './mutation.ts';

const jobs = 'src/controllers/job';
const deployments = 'src/controllers/deployment';
const sets = 'src/controllers/statefulset/plan.ts';
const plugins = 'src/scheduler/plugins';
const proportional = 'Deployment Proportional Scaling';

const ofJobs: readonly Mutation[] = [
  {
    name: 'pods of Jobs that have ended are counted',
    file: `${jobs}/tracking.ts`,
    find: 'if (isHeld(pod) && mayRelease(pod, job, { findings, end })) counting.add(pod);',
    replace: '',
    rows: ['Jobs, completion after task failure', 'Ensure Pods of an Indexed Job get a unique index.'],
  },
  {
    name: 'pods of an Indexed Job have indexes',
    file: `${jobs}/plan.ts`,
    find: "return indexes ? planIndexes(job, pods, { findings, indexes, count, nowMs }) : { type: 'create', count };",
    replace: "return { type: 'create', count };",
    rows: ['Ensure Pods of an Indexed Job get a unique index.'],
  },
  turnedOff(
    'a failure policy fails the Job',
    `${jobs}/assess.ts`,
    "if (message !== undefined) return fails('PodFailurePolicy', message);",
    ['Verify Pod Failure policy allows to fail job early on exit code.'],
  ),
  {
    name: 'a failure policy ignores',
    file: `${jobs}/pod-failure-policy.ts`,
    find: "counts: action !== 'Ignore',",
    replace: 'counts: true,',
    rows: ['Ensure pod failure policy allows to ignore failure matching on the DisruptionTarget condition'],
  },
  {
    name: 'a failure policy fails an index',
    file: `${jobs}/assess.ts`,
    find: "return action === 'FailIndex' || (counts",
    replace: 'return (counts',
    rows: ['Mark indexes as failed when the FailIndex action is matched in podFailurePolicy'],
  },
  {
    name: 'failures are limited by index',
    file: `${jobs}/assess.ts`,
    find: '(counts && failuresBefore(pod) >= (job.spec.backoffLimitPerIndex ?? 0))',
    replace: 'counts === undefined',
    rows: ['Ensure that all indexes are executed for an indexed job with backoffLimitPerIndex despite some failing'],
  },
  {
    name: 'failed indexes are limited',
    file: `${jobs}/assess.ts`,
    find: 'failed.total > maxFailedIndexes',
    replace: 'failed.total < 0',
    rows: ['Terminate job execution when the maxFailedIndexes is exceeded'],
  },
  {
    name: 'a success policy ends a Job',
    file: `${jobs}/success-policy.ts`,
    find: 'if (!policy || succeeded.indexes.total === 0) return undefined;',
    replace: 'if (!policy || succeeded) return undefined;',
    rows: [
      'Ensure that job with successPolicy succeeded when all indexes succeeded',
      'Ensure that job with successPolicy succeededIndexes rule succeeded even when some indexes remain pending',
      'Ensure that job with successPolicy succeededCount rule succeeded even when some indexes remain pending',
    ],
  },
  turnedOff('a CronJob can be suspended', 'src/controllers/cronjob/plan.ts', 'if (spec.suspend) return { events: found };', [
    'CronJob Suspend',
  ]),
  {
    name: 'a CronJob may forbid concurrency',
    file: 'src/controllers/cronjob/plan.ts',
    find: "spec.concurrencyPolicy === 'Forbid' && active.length > 0",
    replace: 'active.length < 0',
    rows: ['CronJob ForbidConcurrent'],
  },
  {
    name: 'a CronJob may replace what runs',
    file: 'src/controllers/cronjob/plan.ts',
    find: "spec.concurrencyPolicy === 'Replace' ?",
    replace: 'active.length < 0 ?',
    rows: ['CronJob ReplaceConcurrent'],
  },
  notRun('CronJobs start Jobs', '(context, { cronJob }) => createCronJobController(context, cronJob)', ['CronJob AllowConcurrent']),
];

const ofSets: readonly Mutation[] = [
  {
    name: 'a StatefulSet goes in order',
    file: sets,
    find: "const atOnce = set.spec.podManagementPolicy === 'Parallel';",
    replace: 'const atOnce = true as boolean;',
    rows: ['StatefulSet, Scaling'],
  },
  {
    name: 'a StatefulSet may go at once',
    file: sets,
    find: "const atOnce = set.spec.podManagementPolicy === 'Parallel';",
    replace: 'const atOnce = false as boolean;',
    rows: ['StatefulSet, Burst Scaling'],
  },
  {
    name: 'a partition keeps the old version',
    file: sets,
    find: '.slice(partition)',
    replace: '.slice(partition * 0)',
    rows: ['StatefulSet, Rolling Update with Partition'],
  },
  {
    name: 'a StatefulSet replaces a pod that failed',
    file: sets,
    find: "{ steps: going ? [] : [{ type: 'deletePod', pod, why: 'ended' }], waitsFor",
    replace: '{ steps: going ? [] : [], waitsFor',
    rows: ['StatefulSet, Recreate Failed Pod'],
  },
  {
    name: 'a StatefulSet updates its pods',
    file: sets,
    find: "stages.push(outdated.map((pod) => [{ type: 'deletePod', pod, why: 'outdated' }]));",
    replace: 'void outdated;',
    rows: ['StatefulSet, Rolling Update'],
  },
  {
    name: 'a DaemonSet chooses nodes by their labels',
    file: 'src/controllers/daemonset/placement.ts',
    find: "if (!matchesRequiredNodeAffinity(spec, node)) return 'none';",
    replace: 'void matchesRequiredNodeAffinity;',
    rows: ['DaemonSet-NodeSelection'],
  },
  {
    name: 'a DaemonSet updates its pods',
    file: 'src/controllers/daemonset/rolling-update.ts',
    find: 'remove: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))]',
    replace: 'remove: candidates.slice(0, maxUnavailable * unavailable * 0)',
    rows: ['DaemonSet-RollingUpdate', 'DaemonSet-Rollback'],
  },
  turnedOff('a DaemonSet replaces a pod that failed', 'src/controllers/daemonset/plan.ts', 'else remove.push({ pod, node: name, why });', [
    'DaemonSet-FailedPodCreation',
  ]),
];

const ofReplicas: readonly Mutation[] = [
  {
    name: 'a new size is shared in proportion',
    file: `${deployments}/scaling.ts`,
    find: 'return isRollingUpdate(deployment) ? proportionalSteps(deployment, family) : [];',
    replace: 'void proportionalSteps;\n  return [];',
    rows: [proportional],
  },
  turnedOff(
    'Recreate waits for the end of the old pods',
    `${deployments}/plan.ts`,
    'if (family.old.some((replicaSet) => hasPodsLeft(replicaSet, podsOf(replicaSet)))) return plan([...upkeep, ...emptied]);',
    ['Deployment Recreate'],
  ),
  {
    name: 'history is limited',
    file: `${deployments}/plan.ts`,
    find: 'if (limit === undefined) return [];',
    replace: 'if (limit !== undefined) return [];\n  if (limit === undefined) return [];',
    rows: ['Deployment RevisionHistoryLimit'],
  },
  turnedOff('pods that do not work go first', `${deployments}/scaling.ts`, 'gone += by;', ['Deployment Rollover']),
  {
    name: 'pods are adopted',
    file: 'src/controllers/workload/claim.ts',
    find: "? 'adopt' : 'ignore';",
    replace: "? 'ignore' : 'ignore';",
    rows: [
      'Replica Set, adopt matching pods and release non matching pods',
      'Replication Controller, adopt matching pods',
      'Jobs, orphan pods, re-adoption',
    ],
  },
  {
    name: 'pods are released',
    file: 'src/controllers/workload/claim.ts',
    find: "return deleting ? 'ignore' : 'release';",
    replace: "return 'ignore';",
    rows: [
      'Replica Set, adopt matching pods and release non matching pods',
      'Replication Controller, release pods',
      'Jobs, orphan pods, re-adoption',
    ],
  },
  notRun('the disruption controller', '(context) => [createDisruptionController(context), createStaleDisruptionController(context)]', [
    'PodDisruptionBudget: Status updates',
    'PodDisruptionBudget: block an eviction until the PDB is updated to allow it',
  ]),
  {
    name: 'granted evictions count as gone',
    file: 'src/controllers/disruption/plan.ts',
    find: 'counts(pod) && !isGoing(disruptedPods[pod.metadata.name], nowMs)',
    replace: 'counts(pod)',
    rows: ['PodDisruptionBudget: update and patch status'],
  },
];

const ofScheduling: readonly Mutation[] = [
  turnedOff(
    'preemption deletes',
    'src/scheduler/preemption/evictor.ts',
    'await client.delete(corev1Resources.pods, key, { signal, body: { preconditions: { uid } } });',
    ['Scheduler, Basic Preemption', 'Scheduler, Preemption for critical pod', 'Pod preemption verification'],
  ),
  {
    name: 'preemption says so on its victims',
    file: 'src/scheduler/preemption/evictor.ts',
    find: 'if (patch) {',
    replace: 'if (patch && !patch) {',
    rows: ['Verify the DisruptionTarget condition is added to the preempted pod'],
  },
  {
    name: 'pods go where their selector says',
    file: `${plugins}/node-affinity.ts`,
    find: 'return matchesRequiredNodeAffinity(pod.spec, node) ? undefined : notMatched;',
    replace: 'void [pod, notMatched];\n        return undefined;',
    rows: ['Scheduler, node selector not matching'],
  },
  {
    name: 'host ports are given out once',
    file: `${plugins}/node-ports.ts`,
    find: 'filter: (_state, { hostPorts }, node) => (hostPorts.some((port) => node.holdsPort(port)) ? taken : undefined),',
    replace: 'filter: () => (taken ? undefined : taken),',
    rows: ['Scheduling, HostPort and Protocol match, HostIPs different but one is default HostIP (0.0.0.0)'],
  },
  {
    name: 'pods fit their nodes',
    file: `${plugins}/node-resources/fit.ts`,
    find: 'return short.length === 0 ? undefined : rejectionOf(short, rejections);',
    replace: 'return short.length >= 0 ? undefined : rejectionOf(short, rejections);',
    rows: ['Scheduler, resource limits'],
  },
  {
    name: 'limits of ranges are kept to',
    file: 'src/apiserver/admission/plugin-table.ts',
    find: "{ name: 'LimitRanger', onByDefault: true",
    replace: "{ name: 'LimitRanger', onByDefault: false",
    rows: ['LimitRange, resources'],
  },
];

const ofNodesAndStorage: readonly Mutation[] = [
  notRun('taints evict', 'createTaintEvictionController', ['Pod Eviction, Toleration limits', 'Taint, Pod Eviction on taint removal']),
  {
    name: 'tolerations end',
    file: 'src/controllers/taint-eviction/plan.ts',
    find: "if (limits.length === 0) return { type: 'stay' };",
    replace: "if (limits.length >= 0) return { type: 'stay' };",
    rows: ['Pod Eviction, Toleration limits'],
  },
  notRun('claims are bound', '(context, { persistentVolume }) => createPersistentVolumeController(context, persistentVolume)', [
    'PersistentVolumes(Claims), lifecycle',
    'PersistentVolumes(Claims), apply changes to a pv/pvc status',
  ]),
  notRun('the guard of claims goes with its last user', 'createClaimProtection', ['PersistentVolumes(Claims), lifecycle']),
  notRun('the guard of volumes goes with its claim', 'createVolumeProtection', ['PersistentVolumes(Claims), lifecycle']),
  notRun('the guard of classes of attributes goes', 'createAttributesClassProtection', ['VolumeAttributesClass, lifecycle']),
];

export const workloadMutations: readonly Mutation[] = [...ofJobs, ...ofSets, ...ofReplicas, ...ofScheduling, ...ofNodesAndStorage];
