/** Nodes that have the pod's images start it sooner; an image that few nodes have counts less, so that it does not draw every pod there. @source kube-scheduler plugins/imagelocality */
import type { Plugin } from '../../framework.ts';

const mebibyte = 1024 * 1024;
/** Below the first nothing is gained; above the second (a container) nothing more. */
const minThreshold = 23 * mebibyte;
const maxThresholdPerContainer = 1000 * mebibyte;

export const imageLocality: Plugin = {
  name: 'ImageLocality',
  score: (_state, pod, node, view) => {
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    let sum = 0;
    for (const { image } of containers) {
      const name = normalized(image ?? '');
      const size = node.images.get(name);
      if (size !== undefined) sum += Math.floor(size * (view.imageNodeCount(name) / view.nodes.size));
    }
    const maxThreshold = maxThresholdPerContainer * containers.length;
    const clamped = Math.min(Math.max(sum, minThreshold), maxThreshold);
    return Math.floor((100 * (clamped - minThreshold)) / (maxThreshold - minThreshold));
  },
};

/** Nodes report images with a tag; a pod may leave `:latest` out. */
function normalized(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
