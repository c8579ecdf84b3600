/** An ingress that names no class gets the one marked as default, if there is one. @source kubernetes plugin/pkg/admission/network/defaultingressclass */
import { defaultClassOf, type Draft, type networkingv1, networkingv1Resources } from '../../api/index.ts';
import { defaultIngressClassMark, ingressClassAnnotation } from '../../api/kinds/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isResource } from './resource-match.ts';

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  handles: (resource, operation, subresource) =>
    isResource(resource, networkingv1Resources.ingresses) && operation === 'CREATE' && subresource === '',
  mutate: ({ object }, { registry }) => {
    // The resource says so.
    const { metadata, spec } = object as Draft<networkingv1.Ingress>;
    if (spec.ingressClassName !== undefined || metadata.annotations?.[ingressClassAnnotation] !== undefined) return;
    const found = defaultClassOf(registry.cachedList(networkingv1Resources.ingressclasses), [defaultIngressClassMark]);
    if (found) spec.ingressClassName = found.metadata.name;
  },
};
