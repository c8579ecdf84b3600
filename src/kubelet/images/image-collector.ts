/**
 * Removes images that no container uses when the image file system fills up: above the high mark, the longest unused ones, until below
 * the low mark. @source pkg/kubelet/images/image_gc_manager.go, v1.35
 */
import { type corev1, formatDuration } from '../../api/index.ts';
import { type Clock, type Ctx, isAbort } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { DiskRoom } from '../host/host.ts';
import type { EngineImage, ImageService, RuntimeService } from '../runtime/runtime.ts';

export interface ImageCollectorOptions {
  readonly images: ImageService;
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly node: () => corev1.Node | undefined;
  readonly imageFs: () => Promise<DiskRoom>;
  /** Percent; default 85 and 80. */
  readonly highPercent: number;
  readonly lowPercent: number;
  /** An image is left alone for this long after it was first seen. Default 2 min. */
  readonly minAgeMs: number;
  /** Between two looks. Default 5 min. */
  readonly periodMs: number;
}

interface Seen {
  readonly firstMs: number;
  lastUsedMs: number;
}

export class ImageCollector {
  readonly #options: ImageCollectorOptions;
  readonly #seen = new Map<string, Seen>();

  constructor(options: ImageCollectorOptions) {
    this.#options = options;
  }

  async run(ctx: Ctx): Promise<void> {
    for (;;) {
      try {
        await this.collect(ctx);
      } catch (err) {
        if (isAbort(err, ctx.signal)) throw err;
        ctx.log.warn('images could not be collected', { err });
      }
      await this.#options.clock.sleep(this.#options.periodMs, ctx.signal);
    }
  }

  /** Frees down to the low mark when above the high one. */
  async collect(ctx: Ctx): Promise<void> {
    const { highPercent, lowPercent, imageFs, recorder, node } = this.#options;
    const unused = await this.#unused(ctx);
    const { availableBytes, capacityBytes } = await imageFs();
    const usedPercent = 100 - Math.floor((availableBytes * 100) / capacityBytes);
    if (usedPercent < highPercent) return;
    const wanted = (capacityBytes * (100 - lowPercent)) / 100 - availableBytes;
    const freed = await this.#remove(unused, wanted, ctx);
    const subject = node();
    if (freed >= wanted || !subject) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${Math.ceil(wanted)} bytes, but only found ${freed} bytes eligible to free.`;
    recorder.event(subject, { type: 'Warning', reason: 'FreeDiskSpaceFailed', message });
  }

  /** Removes every unused image, whatever its age; true when there was one. */
  async removeAllUnused(ctx: Ctx): Promise<boolean> {
    return (await this.#remove(await this.#unused(ctx, 0), Number.POSITIVE_INFINITY, ctx)) > 0;
  }

  async #unused(ctx: Ctx, minAgeMs: number = this.#options.minAgeMs): Promise<EngineImage[]> {
    const { images, runtime, clock } = this.#options;
    const now = clock.monotonic();
    const [all, containers] = await Promise.all([images.listImages(ctx), runtime.listContainers({}, ctx)]);
    const used = new Set(containers.flatMap(({ imageRef, image, imageId }) => [imageRef, image, imageId]));
    const isUsed = ({ id, repoTags, repoDigests }: EngineImage): boolean =>
      [id, ...repoTags, ...repoDigests].some((name) => used.has(name));
    for (const image of all) {
      const seen = this.#seen.get(image.id) ?? { firstMs: now, lastUsedMs: Number.NEGATIVE_INFINITY };
      if (isUsed(image)) seen.lastUsedMs = now;
      this.#seen.set(image.id, seen);
    }
    const known = new Set(all.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!known.has(id)) this.#seen.delete(id);
    return all
      .filter((image) => !image.pinned && !isPause(image) && !isUsed(image) && now - this.#seen.get(image.id)!.firstMs >= minAgeMs)
      .sort((a, b) => this.#seen.get(a.id)!.lastUsedMs - this.#seen.get(b.id)!.lastUsedMs);
  }

  async #remove(images: readonly EngineImage[], wanted: number, ctx: Ctx): Promise<number> {
    let freed = 0;
    for (const { id, sizeBytes, repoTags } of images) {
      if (freed >= wanted) break;
      const age = formatDuration(Math.trunc(this.#options.clock.monotonic() - this.#seen.get(id)!.firstMs));
      ctx.log.info('an unused image is removed', { image: repoTags[0] ?? id, bytes: Number(sizeBytes), age });
      await this.#options.images.removeImage({ image: id }, ctx);
      freed += Number(sizeBytes);
    }
    return freed;
  }
}

/** Engines that do not pin the sandbox's image would lose it: no container record names it. */
function isPause({ repoTags }: EngineImage): boolean {
  return repoTags.some((tag) => /\/pause:/.test(tag));
}
