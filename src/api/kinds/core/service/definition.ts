/**
 * Service: a stable name and address for pods. Cluster addresses, IP families and node ports are set and released by the API
 * server's allocators around this strategy.
 * @source pkg/registry/core/service/strategy.go, v1.35
 */
import type { Service, ServiceSpec, ServiceStatus } from '../../../gen/core-v1.ts';
import { corev1Resources } from '../../../gen/resources.ts';
import { nameIsDns1035Label } from '../../../names.ts';
import type { Draft } from '../../../object.ts';
import type { ResourceDefinition } from '../../../resource-definition.ts';
import { customSubresource, defineResource, statusSubresource } from '../../define-resource.ts';
import { serviceColumns } from './columns.ts';
import { applyServiceDefaults } from './defaults.ts';
import { dropTypeDependentFields, keepAllocated, normalizeClusterIps } from './prepare.ts';
import { validateService, validateServiceStatus, validateServiceUpdate } from './validate.ts';
import { serviceWarnings } from './warnings.ts';

const allMethods = ['create', 'delete', 'get', 'patch', 'update'] as const;

export const serviceResource: ResourceDefinition = defineResource<Service>({
  ref: corev1Resources.services,
  shortNames: ['svc'],
  categories: ['all'],
  subresources: [
    customSubresource('proxy', allMethods, { group: '', version: 'v1', kind: 'ServiceProxyOptions' }),
    statusSubresource<Service>({
      prepareForUpdate: (service, old) => {
        service.spec = old.spec as Draft<ServiceSpec>;
      },
      validateUpdate: validateServiceStatus,
    }),
  ],
  columns: serviceColumns,
  selectableFields: { 'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '', 'spec.type': ({ spec }) => spec.type ?? '' },
  strategy: {
    validateName: nameIsDns1035Label,
    applyDefaults: applyServiceDefaults,
    prepareForCreate: (service) => {
      service.status = { loadBalancer: {} };
      normalizeClusterIps(service, undefined);
    },
    prepareForUpdate: (service, old) => {
      service.status = old.status as Draft<ServiceStatus>;
      normalizeClusterIps(service, old);
      keepAllocated(service, old);
      dropTypeDependentFields(service, old);
    },
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    warnings: serviceWarnings,
    allowCreateOnUpdate: true,
  },
});
