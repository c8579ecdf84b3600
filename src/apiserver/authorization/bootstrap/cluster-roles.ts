/**
 * The cluster roles that every cluster has: those for people, for components, and the parts that the former gather.
 * @source plugin/pkg/auth/authorizer/rbac/bootstrappolicy, v1.35, with the feature gates that are on by default
 */
import { tellEvents } from './policy-text.ts';

export interface RoleEntry {
  readonly rules: readonly string[];
  /** The roles that gather this one, such as `edit`. */
  readonly gatheredBy?: string;
  /** This role gathers those that say so. */
  readonly gathers?: boolean;
}

const approver = (signer: string): RoleEntry => ({ rules: [`approve certificates: signers = kubernetes.io/${signer}`] });

export const clusterRoles: Readonly<Record<string, RoleEntry>> = {
  'cluster-admin': { rules: ['* *: *', '* *'] },
  admin: { rules: [], gathers: true },
  edit: { rules: [], gathers: true, gatheredBy: 'admin' },
  view: { rules: [], gathers: true, gatheredBy: 'edit' },
  'system:aggregate-to-admin': {
    gatheredBy: 'admin',
    rules: ['create authorization: localsubjectaccessreviews', 'all rbac: roles rolebindings'],
  },
  'system:aggregate-to-edit': {
    gatheredBy: 'edit',
    rules: [
      'read core: pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy',
      'impersonate core: serviceaccounts',
      'write core: pods pods/attach pods/proxy pods/exec pods/portforward',
      'create core: pods/eviction',
      'write core: replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy persistentvolumeclaims configmaps secrets events',
      'create core: serviceaccounts/token',
      'write apps: statefulsets statefulsets/scale daemonsets deployments deployments/scale deployments/rollback replicasets replicasets/scale',
      'write autoscaling: horizontalpodautoscalers',
      'write batch: jobs cronjobs',
      'write extensions: daemonsets deployments deployments/scale deployments/rollback ingresses replicasets replicasets/scale replicationcontrollers/scale networkpolicies',
      'write policy: poddisruptionbudgets',
      'write networking: networkpolicies ingresses',
      'all coordination: leases',
      'write resource: resourceclaims resourceclaimtemplates',
    ],
  },
  'system:aggregate-to-view': {
    gatheredBy: 'view',
    rules: [
      'read core: pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps',
      'read core: limitranges resourcequotas bindings events pods/status resourcequotas/status namespaces/status replicationcontrollers/status pods/log',
      'read core: namespaces',
      'read discovery: endpointslices',
      'read apps: controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets daemonsets/status deployments deployments/status deployments/scale replicasets replicasets/status replicasets/scale',
      'read autoscaling: horizontalpodautoscalers horizontalpodautoscalers/status',
      'read batch: jobs jobs/status cronjobs cronjobs/status',
      'read extensions: daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status replicasets replicasets/scale replicasets/status replicationcontrollers/scale networkpolicies',
      'read policy: poddisruptionbudgets poddisruptionbudgets/status',
      'read networking: networkpolicies ingresses ingresses/status',
      'read resource: resourceclaims resourceclaims/status resourceclaimtemplates',
    ],
  },
  'system:auth-delegator': { rules: ['create authentication: tokenreviews', 'create authorization: subjectaccessreviews'] },
  'system:basic-user': {
    rules: ['create authorization: selfsubjectaccessreviews selfsubjectrulesreviews', 'create authentication: selfsubjectreviews'],
  },
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': {
    rules: ['create certificates: certificatesigningrequests/nodeclient'],
  },
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': {
    rules: ['create certificates: certificatesigningrequests/selfnodeclient'],
  },
  'system:certificates.k8s.io:kube-apiserver-client-approver': approver('kube-apiserver-client'),
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': approver('kube-apiserver-client-kubelet'),
  'system:certificates.k8s.io:kubelet-serving-approver': approver('kubelet-serving'),
  'system:certificates.k8s.io:legacy-unknown-approver': approver('legacy-unknown'),
  'system:discovery': {
    rules: ['get /livez /readyz /healthz /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*'],
  },
  'system:heapster': { rules: ['read core: events pods nodes namespaces', 'read extensions: deployments'] },
  'system:kube-aggregator': { rules: ['read core: services endpoints'] },
  'system:kube-controller-manager': {
    rules: [
      tellEvents,
      'create coordination: leases',
      'get,update coordination: leases = kube-controller-manager',
      'create core: secrets serviceaccounts',
      'delete core: secrets',
      'get core: namespaces secrets serviceaccounts configmaps',
      'update core: secrets serviceaccounts',
      'create authentication: tokenreviews',
      'create authorization: subjectaccessreviews',
      'list,watch *: *',
      'create core: serviceaccounts/token',
    ],
  },
  'system:kube-dns': { rules: ['list,watch core: endpoints services'] },
  'system:kube-scheduler': {
    rules: [
      tellEvents,
      'create coordination: leases',
      'get,update coordination: leases = kube-scheduler',
      'read core: nodes',
      'get,list,watch,delete core: pods',
      'create core: pods/binding bindings',
      'patch,update core: pods/status',
      'read core: services replicationcontrollers',
      'read apps,extensions: replicasets',
      'read apps: statefulsets',
      'read policy: poddisruptionbudgets',
      'read core: persistentvolumeclaims persistentvolumes',
      'create authentication: tokenreviews',
      'create authorization: subjectaccessreviews',
      'read storage: csinodes',
      'read storage: volumeattachments',
      'read core: namespaces',
      'read storage: csidrivers',
      'read storage: csistoragecapacities',
      'read resource: deviceclasses',
      'read,patch,update resource: resourceclaims',
      'read,patch,update resource: resourceclaims/status',
      'read,patch,update core: pods/finalizers',
      'read resource: resourceslices',
    ],
  },
  'system:kubelet-api-admin': {
    rules: [
      'read core: nodes',
      'proxy core: nodes',
      '* core: nodes/proxy nodes/metrics nodes/stats nodes/log',
      '* core: nodes/configz nodes/healthz nodes/pods',
    ],
  },
  'system:monitoring': { rules: ['get /metrics /metrics/slis /livez /readyz /healthz /livez/* /readyz/* /healthz/*'] },
  'system:node': {
    rules: [
      'create authentication: tokenreviews',
      'create authorization: subjectaccessreviews localsubjectaccessreviews',
      'read core: services',
      'create,get,list,watch core: nodes',
      'patch,update core: nodes/status',
      'patch,update core: nodes',
      'create,patch,update core: events',
      'read core: pods',
      'create,delete core: pods',
      'patch,update core: pods/status',
      'create core: pods/eviction',
      'read core: secrets configmaps',
      'get core: persistentvolumeclaims persistentvolumes',
      'get core: endpoints',
      'create,get,list,watch certificates: certificatesigningrequests',
      'create,delete,get,patch,update coordination: leases',
      'get storage: volumeattachments',
      'create core: serviceaccounts/token',
      'get,patch,update core: persistentvolumeclaims/status',
      'read storage: csidrivers',
      'create,delete,get,patch,update storage: csinodes',
      'read node: runtimeclasses',
      'get resource: resourceclaims',
      'deletecollection resource: resourceslices',
      'get core: serviceaccounts',
    ],
  },
  'system:node-bootstrapper': { rules: ['create,get,list,watch certificates: certificatesigningrequests'] },
  'system:node-problem-detector': { rules: ['get core: nodes', 'patch core: nodes/status', tellEvents] },
  'system:node-proxier': {
    rules: [
      'list,watch core: services endpoints',
      'read core: nodes',
      tellEvents,
      'list,watch networking: servicecidrs',
      'list,watch discovery: endpointslices',
    ],
  },
  'system:persistent-volume-provisioner': {
    rules: [
      'create,delete,get,list,watch core: persistentvolumes',
      'get,list,update,watch core: persistentvolumeclaims',
      'read storage: storageclasses',
      'watch core: events',
      tellEvents,
    ],
  },
  'system:public-info-viewer': { rules: ['get /livez /readyz /healthz /version /version/'] },
  'system:service-account-issuer-discovery': {
    rules: ['get /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/'],
  },
  'system:volume-scheduler': {
    rules: ['read,patch,update core: persistentvolumes', 'read storage: storageclasses', 'read,patch,update core: persistentvolumeclaims'],
  },
};

/** Who has which of them: `u:` users, `g:` groups, `s:` ServiceAccounts of kube-system. Each binding is named after its role. */
export const clusterRoleBindings: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['g:system:masters'],
  'system:basic-user': ['g:system:authenticated'],
  'system:discovery': ['g:system:authenticated'],
  'system:kube-controller-manager': ['u:system:kube-controller-manager'],
  'system:kube-dns': ['s:kube-dns'],
  'system:kube-scheduler': ['u:system:kube-scheduler'],
  'system:monitoring': ['g:system:monitoring'],
  // Nodes are the Node authorizer's affair; administrators who do without it add their group here.
  'system:node': [],
  'system:node-proxier': ['u:system:kube-proxy'],
  'system:public-info-viewer': ['g:system:authenticated', 'g:system:unauthenticated'],
  'system:service-account-issuer-discovery': ['g:system:serviceaccounts'],
  'system:volume-scheduler': ['u:system:kube-scheduler'],
};
