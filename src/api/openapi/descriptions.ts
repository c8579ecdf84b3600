/**
 * What `kubectl explain` says of types and fields: our own words, few and short. A field without an entry is shown with its type
 * alone; the published documentation says the rest.
 */

const kinds: Readonly<Record<string, string>> = {
  Binding: 'Ties a pod to a node.',
  ConfigMap: 'Configuration for pods: named texts and bytes.',
  ControllerRevision: 'One past state of a controller’s template.',
  CronJob: 'Makes Jobs at set times.',
  DaemonSet: 'Keeps one pod on every chosen node.',
  Deployment: 'Keeps a number of pods running and replaces them step by step when their template changes.',
  EndpointSlice: 'A part of the addresses behind a Service.',
  Endpoints: 'The addresses behind a Service, in one object. EndpointSlice has taken its place.',
  Event: 'Something that happened to an object.',
  Eviction: 'Asks for a pod to be moved away, if its disruption budget allows.',
  HorizontalPodAutoscaler: 'Changes a number of replicas as load comes and goes.',
  Ingress: 'Rules by which HTTP requests from outside reach Services.',
  Job: 'Runs pods until enough of them have succeeded.',
  Lease: 'A claim that its holder renews: of a leader, or of a node that is alive.',
  Namespace: 'A space in which names are unique and rights are given.',
  NetworkPolicy: 'Says which traffic chosen pods accept and send.',
  Node: 'A machine that runs pods.',
  PersistentVolume: 'A piece of storage in the cluster.',
  PersistentVolumeClaim: 'A user’s request for storage.',
  Pod: 'Containers that run together on one node and share network and volumes.',
  PodDisruptionBudget: 'How many pods of a group may be away at once by intent.',
  PodTemplate: 'A stored template of pods.',
  PriorityClass: 'A named priority for pods.',
  ReplicaSet: 'Keeps a number of equal pods running.',
  ResourceQuota: 'Limits what a namespace may use.',
  RuntimeClass: 'A named way of running containers.',
  Scale: 'The number of replicas of an object, apart from the rest of it.',
  Secret: 'Confidential data for pods.',
  Service: 'One stable address and name for a group of pods.',
  ServiceAccount: 'An identity for the processes in pods.',
  StatefulSet: 'Keeps pods that each have a lasting name and storage.',
  StorageClass: 'A named way of making volumes.',
};

/** Fields that mean the same wherever they stand. */
const everywhere: Readonly<Record<string, string>> = {
  apiVersion: 'The version of the API in which the object is written.',
  kind: 'The type of the object.',
  metadata: 'Name, labels and what else every object has.',
  spec: 'What is wanted.',
  status: 'What was last seen. Written by the system.',
};

const fields: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ObjectMeta: {
    annotations: 'Notes for tools; not for selecting.',
    creationTimestamp: 'When the object was created. Set by the server.',
    deletionGracePeriodSeconds: 'Seconds that the object has to end by itself once it is deleted.',
    deletionTimestamp: 'When the object is to be gone, once it is deleted. Set by the server.',
    finalizers: 'Who must act before the object goes.',
    generateName: 'The beginning of a name that the server completes.',
    generation: 'Counts the changes of what is wanted. Set by the server.',
    labels: 'Names and values by which objects are selected.',
    managedFields: 'Who set which field. Kept by the server.',
    name: 'The name, unique among objects of the kind in the namespace.',
    namespace: 'The namespace in which the object lives.',
    ownerReferences: 'Objects with which this one goes.',
    resourceVersion: 'Changes with every write of the object. Set by the server.',
    uid: 'Unique in space and time. Set by the server.',
  },
  ListMeta: {
    continue: 'Asks for the next page of the list.',
    remainingItemCount: 'How many objects follow this page, as far as is known.',
    resourceVersion: 'The state of the server that the list shows.',
  },
  LabelSelector: {
    matchExpressions: 'Conditions that all must hold.',
    matchLabels: 'Labels that an object must have.',
  },
  DeploymentSpec: {
    minReadySeconds: 'Seconds for which a new pod must be ready before it counts.',
    paused: 'Stops the replacing of pods.',
    progressDeadlineSeconds: 'Seconds without progress after which the rollout counts as failed.',
    replicas: 'The number of pods. Default 1.',
    revisionHistoryLimit: 'Old ReplicaSets that are kept. Default 10.',
    selector: 'Which pods belong to it. Cannot be changed.',
    strategy: 'How pods are replaced.',
    template: 'What its pods look like.',
  },
  PodSpec: {
    affinity: 'To which nodes and beside which pods it wants to be.',
    containers: 'The containers of the pod.',
    dnsPolicy: 'How names are resolved in the pod. Default ClusterFirst.',
    hostNetwork: 'Shares the network of the node.',
    imagePullSecrets: 'Secrets with which images are fetched.',
    initContainers: 'Containers that run before the others, one after another.',
    nodeName: 'The node that it runs on. Set by the scheduler.',
    nodeSelector: 'Labels that its node must have.',
    priorityClassName: 'The name of its priority.',
    restartPolicy: 'When ended containers start again: Always, OnFailure or Never. Default Always.',
    securityContext: 'Users, groups and rights of all its containers.',
    serviceAccountName: 'The identity of its processes.',
    terminationGracePeriodSeconds: 'Seconds that its processes have to end. Default 30.',
    tolerations: 'Taints of nodes that it bears.',
    volumes: 'Storage that its containers may mount.',
  },
  Container: {
    args: 'Arguments of the program; the image’s own unless set.',
    command: 'The program; the image’s own unless set.',
    env: 'Environment variables.',
    envFrom: 'ConfigMaps and Secrets whose entries become environment variables.',
    image: 'The image to run.',
    imagePullPolicy: 'When the image is fetched.',
    lifecycle: 'What is done after the start and before the end.',
    livenessProbe: 'Restarts the container when it fails.',
    name: 'The name, unique in the pod.',
    ports: 'Ports that the container listens on.',
    readinessProbe: 'Keeps Services from sending requests while it fails.',
    resources: 'What the container needs and what it may use at most.',
    securityContext: 'User, groups and rights of the container.',
    startupProbe: 'Holds the other probes back until it succeeds.',
    volumeMounts: 'Where volumes appear in the container.',
    workingDir: 'The directory that the program starts in.',
  },
  ServiceSpec: {
    clusterIP: 'The address in the cluster; None for a Service without one.',
    externalName: 'A name outside of the cluster, for the type ExternalName.',
    ports: 'The ports of the Service and where they lead.',
    selector: 'Labels of the pods behind it.',
    sessionAffinity: 'Whether requests of one client go to one pod.',
    type: 'ClusterIP, NodePort, LoadBalancer or ExternalName. Default ClusterIP.',
  },
};

function typeName(definition: string): string {
  return definition.slice(definition.lastIndexOf('.') + 1);
}

export function definitionDescription(definition: string): string | undefined {
  const name = typeName(definition);
  if (Object.hasOwn(kinds, name)) return kinds[name];
  const item = name.endsWith('List') ? name.slice(0, -'List'.length) : '';
  return Object.hasOwn(kinds, item) ? `A list of ${item} objects.` : undefined;
}

export function fieldDescription(definition: string, field: string): string | undefined {
  const own = fields[typeName(definition)];
  if (own && Object.hasOwn(own, field)) return own[field];
  return Object.hasOwn(everywhere, field) ? everywhere[field] : undefined;
}
