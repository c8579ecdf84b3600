/** Pod: containers that run together on one node. @source pkg/registry/core/pod/strategy.go, v1.35 */
import type { Pod } from '../../../gen/core-v1.ts';
import { corev1Resources } from '../../../gen/resources.ts';
import type { ResourceDefinition } from '../../../resource-definition.ts';
import { customSubresource, defineResource, partVerbs, statusSubresource } from '../../define-resource.ts';
import { podColumns } from './columns.ts';
import { applyPodDefaults } from './defaults.ts';
import { prepareEphemeralContainers, preparePodForCreate, preparePodForUpdate, preparePodStatus, prepareResize } from './prepare.ts';
import { validatePod } from './validate-pod.ts';
import { validateEphemeralContainersUpdate, validatePodResize } from './validate-resize.ts';
import { validatePodStatus } from './validate-status.ts';
import { validatePodUpdate } from './validate-update.ts';
import { podWarnings } from './warnings.ts';

const core = (kind: string): { group: string; version: string; kind: string } => ({ group: '', version: 'v1', kind });

export const podResource: ResourceDefinition = defineResource<Pod>({
  ref: corev1Resources.pods,
  shortNames: ['po'],
  categories: ['all'],
  subresources: [
    customSubresource('attach', ['create', 'get'], core('PodAttachOptions')),
    customSubresource('binding', ['create'], core('Binding')),
    {
      name: 'ephemeralcontainers',
      verbs: partVerbs,
      handler: 'status',
      strategy: { prepareForUpdate: prepareEphemeralContainers, validateUpdate: validateEphemeralContainersUpdate },
    },
    customSubresource('eviction', ['create'], { group: 'policy', version: 'v1', kind: 'Eviction', olderVersions: ['v1beta1'] }),
    customSubresource('exec', ['create', 'get'], core('PodExecOptions')),
    customSubresource('log', ['get']),
    customSubresource('portforward', ['create', 'get'], core('PodPortForwardOptions')),
    customSubresource('proxy', ['create', 'delete', 'get', 'patch', 'update'], core('PodProxyOptions')),
    {
      name: 'resize',
      verbs: partVerbs,
      handler: 'status',
      strategy: { prepareForUpdate: prepareResize, validateUpdate: validatePodResize },
    },
    statusSubresource<Pod>({
      resetFields: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
      prepareForUpdate: preparePodStatus,
      validateUpdate: validatePodStatus,
    }),
  ],
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    // The name of old.
    'spec.host': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status.phase ?? '',
    'status.podIP': ({ status }) => status.podIPs?.[0]?.ip ?? '',
    // Upstream takes the label, but has no value for it.
    'status.podIPs': () => '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },
  strategy: {
    applyDefaults: applyPodDefaults,
    prepareForCreate: preparePodForCreate,
    prepareForUpdate: preparePodForUpdate,
    validate: validatePod,
    validateUpdate: validatePodUpdate,
    warnings: podWarnings,
  },
});
