/**
 * Every controller that upstream's manager knows, by its name, with the older name that is still taken for it and whether it runs without
 * being named. Which of them are built says the table in `index.ts`; a flag may switch off what is not built, and not ask for it.
 * @source cmd/kube-controller-manager/names/controller_names.go and app (ControllerDescriptor aliases), v1.35
 */

interface NameFacts {
  readonly alias?: string;
  readonly offByDefault?: true;
}

const table = {
  'bootstrap-signer-controller': { alias: 'bootstrapsigner', offByDefault: true },
  'certificatesigningrequest-approving-controller': { alias: 'csrapproving' },
  'certificatesigningrequest-cleaner-controller': { alias: 'csrcleaner' },
  'certificatesigningrequest-signing-controller': { alias: 'csrsigning' },
  'cloud-node-lifecycle-controller': { alias: 'cloud-node-lifecycle' },
  'clusterrole-aggregation-controller': { alias: 'clusterrole-aggregation' },
  'cronjob-controller': { alias: 'cronjob' },
  'daemonset-controller': { alias: 'daemonset' },
  'deployment-controller': { alias: 'deployment' },
  'device-taint-eviction-controller': {},
  'disruption-controller': { alias: 'disruption' },
  'endpoints-controller': { alias: 'endpoint' },
  'endpointslice-controller': { alias: 'endpointslice' },
  'endpointslice-mirroring-controller': { alias: 'endpointslicemirroring' },
  'ephemeral-volume-controller': { alias: 'ephemeral-volume' },
  'garbage-collector-controller': { alias: 'garbagecollector' },
  'horizontal-pod-autoscaler-controller': { alias: 'horizontalpodautoscaling' },
  'job-controller': { alias: 'job' },
  'kube-apiserver-serving-clustertrustbundle-publisher-controller': {},
  'legacy-serviceaccount-token-cleaner-controller': { alias: 'legacy-service-account-token-cleaner' },
  // Not upstream's: clusters that keep volumes in directories of their nodes have it.
  'local-path-provisioner': {},
  'namespace-controller': { alias: 'namespace' },
  'node-ipam-controller': { alias: 'nodeipam' },
  'node-lifecycle-controller': { alias: 'nodelifecycle' },
  'node-route-controller': { alias: 'route' },
  'persistentvolume-attach-detach-controller': { alias: 'attachdetach' },
  'persistentvolume-binder-controller': { alias: 'persistentvolume-binder' },
  'persistentvolume-expander-controller': { alias: 'persistentvolume-expander' },
  'persistentvolume-protection-controller': { alias: 'pv-protection' },
  'persistentvolumeclaim-protection-controller': { alias: 'pvc-protection' },
  'pod-garbage-collector-controller': { alias: 'podgc' },
  'podcertificaterequest-cleaner-controller': {},
  'replicaset-controller': { alias: 'replicaset' },
  'replicationcontroller-controller': { alias: 'replicationcontroller' },
  'resourceclaim-controller': { alias: 'resource-claim-controller' },
  'resourcequota-controller': { alias: 'resourcequota' },
  'root-ca-certificate-publisher-controller': { alias: 'root-ca-cert-publisher' },
  'selinux-warning-controller': { offByDefault: true },
  'service-cidr-controller': {},
  'service-lb-controller': { alias: 'service' },
  'serviceaccount-controller': { alias: 'serviceaccount' },
  'serviceaccount-token-controller': { alias: 'serviceaccount-token' },
  'statefulset-controller': { alias: 'statefulset' },
  'storage-version-migrator-controller': {},
  'storageversion-garbage-collector-controller': { alias: 'storage-version-gc' },
  'taint-eviction-controller': {},
  'token-cleaner-controller': { alias: 'tokencleaner', offByDefault: true },
  'ttl-after-finished-controller': { alias: 'ttl-after-finished' },
  'ttl-controller': { alias: 'ttl' },
  'validatingadmissionpolicy-status-controller': {},
  'volumeattributesclass-protection-controller': {},
} as const satisfies Readonly<Record<string, NameFacts>>;

export type ControllerName = keyof typeof table;

const facts: Readonly<Record<ControllerName, NameFacts>> = table;

// The keys of a constant record are its names.
export const controllerNames = Object.keys(table) as readonly ControllerName[];

const byAlias = new Map(controllerNames.flatMap((name) => (facts[name].alias === undefined ? [] : [[facts[name].alias, name] as const])));

/** The name that is meant by a name or an older one; undefined: there is no such controller. */
export function controllerNamed(text: string): ControllerName | undefined {
  return Object.hasOwn(facts, text) ? (text as ControllerName) : byAlias.get(text);
}

export function isOffByDefault(name: ControllerName): boolean {
  return facts[name].offByDefault === true;
}
