/**
 * Images are always asked for again, so that only who has the credentials of an image can run it on a node that has it already.
 * @source kubernetes plugin/pkg/admission/alwayspullimages, v1.35
 */
import { type corev1, corev1Resources, type Draft } from '../../api/index.ts';
import type { AdmissionPlugin } from '../admission.ts';
import { isResource } from './resource-match.ts';

type Spec = Draft<corev1.Pod>['spec'];

export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  handles: (resource, operation, subresource) =>
    isResource(resource, corev1Resources.pods) && (operation === 'CREATE' || operation === 'UPDATE') && subresource === '',
  mutate: ({ object, oldObject }) => {
    // The resource says so.
    const { spec } = object as Draft<corev1.Pod>;
    if (oldObject && !hasNewImages(spec, (oldObject as corev1.Pod).spec)) return;
    for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]) {
      container.imagePullPolicy = 'Always';
    }
    for (const { image } of spec.volumes ?? []) if (image) image.pullPolicy = 'Always';
  },
};

/** Containers cannot be added on update; what is pulled already is not pulled again. */
function hasNewImages(spec: Spec, old: corev1.PodSpec): boolean {
  const known = new Set(imagesOf(old));
  return imagesOf(spec).some((image) => !known.has(image));
}

function imagesOf({ initContainers = [], containers, ephemeralContainers = [] }: Spec | corev1.PodSpec): string[] {
  return [...initContainers, ...containers, ...ephemeralContainers].map(({ image }) => image ?? '');
}
