/**
 * Nodes that have the pod's images start it sooner; an image that few nodes have counts less, so that it does not draw every pod there.
 * @source kube-scheduler v1.35 plugins/imagelocality
 */
import type { corev1 } from '../../api/index.ts';
import { maxNodeScore, type Plugin, type PluginFactory, skip, type StateKey, stateKey } from '../framework/index.ts';

const name = 'ImageLocality';
const mebibyte = 1024 * 1024;
/** Below the first nothing is gained; above the second (an image) nothing more. */
const minThreshold = 23 * mebibyte;
const maxThresholdPerImage = 1000 * mebibyte;

const imagesKey: StateKey<readonly string[]> = stateKey(name);
/** Of the images, those that some node has, with the share of nodes that do. */
const presentKey: StateKey<readonly { readonly image: string; readonly share: number }[]> = stateKey(`${name}/present`);

export const imageLocality: PluginFactory = {
  name,
  create: (_args, { cluster }): Plugin => ({
    name,
    events: [],
    preScore: (state, { shape }) => {
      const total = cluster.nodes.length;
      const present = shape.memo(imagesKey, imagesOf).flatMap((image) => {
        const count = cluster.imageNodeCount(image);
        return count > 0 ? [{ image, share: count / total }] : [];
      });
      if (present.length === 0) return skip;
      state.write(presentKey, present);
      return undefined;
    },
    score: (state, { shape }, node) => {
      let sum = 0;
      for (const { image, share } of state.read(presentKey) ?? []) sum += Math.floor((node.images.get(image) ?? 0) * share);
      const maxThreshold = maxThresholdPerImage * shape.memo(imagesKey, imagesOf).length;
      const clamped = Math.min(Math.max(sum, minThreshold), maxThreshold);
      return Math.floor((maxNodeScore * (clamped - minThreshold)) / (maxThreshold - minThreshold));
    },
  }),
};

function imagesOf({ spec }: corev1.Pod): string[] {
  return [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => normalizedImage(image ?? ''));
}

/** Nodes report images with a tag; a pod may leave `:latest` out. */
export function normalizedImage(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
