/** Pod: containers that run together on one node. @source pkg/registry/core/pod/strategy.go, v1.35 */
import type { Pod, PodSpec, PodStatus } from '../../../gen/core-v1.ts';
import { corev1Resources } from '../../../gen/resources.ts';
import type { Draft } from '../../../object.ts';
import { computePodQos } from '../../../qos.ts';
import type { FieldError } from '../../../errors.ts';
import type { ResourceDefinition } from '../../../resource-definition.ts';
import { customSubresource, defineResource, partVerbs, statusSubresource } from '../../define-resource.ts';
import { podColumns } from './columns.ts';
import { applyPodDefaults } from './defaults.ts';
import { validatePodSpec } from './validate-spec.ts';

const core = (kind: string): { group: string; version: string; kind: string } => ({ group: '', version: 'v1', kind });

export const podResource: ResourceDefinition = defineResource<Pod>({
  ref: corev1Resources.pods,
  shortNames: ['po'],
  categories: ['all'],
  subresources: [
    customSubresource('attach', ['create', 'get'], core('PodAttachOptions')),
    customSubresource('binding', ['create'], core('Binding')),
    customSubresource('ephemeralcontainers', partVerbs),
    customSubresource('eviction', ['create'], { group: 'policy', version: 'v1', kind: 'Eviction' }),
    customSubresource('exec', ['create', 'get'], core('PodExecOptions')),
    customSubresource('log', ['get']),
    customSubresource('portforward', ['create', 'get'], core('PodPortForwardOptions')),
    customSubresource('proxy', ['create', 'delete', 'get', 'patch', 'update'], core('PodProxyOptions')),
    customSubresource('resize', partVerbs),
    statusSubresource<Pod>({
      prepareForUpdate: (pod, old) => {
        pod.spec = old.spec as Draft<PodSpec>;
      },
      validateUpdate: () => [],
    }),
  ],
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status.phase ?? '',
    'status.podIP': ({ status }) => status.podIPs?.[0]?.ip ?? '',
    'status.podIPs': () => '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },
  strategy: {
    applyDefaults: applyPodDefaults,
    prepareForCreate: (pod) => {
      pod.status = { phase: 'Pending', qosClass: computePodQos(pod.spec) };
    },
    prepareForUpdate: (pod, old) => {
      pod.status = old.status as Draft<PodStatus>;
    },
    validate: (pod) => {
      const errors: FieldError[] = [];
      validatePodSpec({ spec: pod.spec, path: 'spec' }, errors);
      return errors;
    },
    validateUpdate: (pod) => {
      const errors: FieldError[] = [];
      validatePodSpec({ spec: pod.spec, path: 'spec' }, errors);
      return errors;
    },
  },
});
