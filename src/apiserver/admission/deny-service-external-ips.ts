/**
 * No Service takes an external address that it did not have. @source kubernetes plugin/pkg/admission/network/denyserviceexternalips, v1.35
 */
import { type corev1, corev1Resources } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { refusal } from './refusal.ts';
import { isResource } from './resource-match.ts';

export const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.services) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
  validate: (request) => {
    const addressesOf = (service: unknown): readonly string[] => (service as corev1.Service | undefined)?.spec.externalIPs ?? [];
    const before = addressesOf(request.oldObject);
    if (addressesOf(request.object).every((address) => before.includes(address))) return;
    throw refusal(request, 'Use of external IPs is denied by admission control');
  },
};
