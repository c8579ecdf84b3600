/**
 * Makes sure that a container's image is on the node: asks the engine, pulls by the policy, waits longer after each failure, and says
 * everything in upstream's words and events. Pulls of the same image by several containers are one pull.
 * @source pkg/kubelet/images/image_manager.go, v1.35
 */
import { type corev1, formatDuration, goQuote } from '../../api/index.ts';
import { type BackoffPolicy, type Clock, type Ctx, isAbort } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import { CrashBackoff } from '../pods/crash-backoff.ts';
import type { EngineImage, ImageService, PodSandboxConfig } from '../runtime/runtime.ts';
import { isRuntimeError } from '../runtime/runtime.ts';
import { ImageNameError, parseImageName, withDefaultTag } from './image-name.ts';
import { credentialsFor } from './pull-secrets.ts';
import { Slots } from './slots.ts';

/** The image cannot be used now; `reason` is the container's waiting reason. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly reason:
    | 'ErrImagePull'
    | 'ImagePullBackOff'
    | 'ErrImageNeverPull'
    | 'InvalidImageName'
    | 'ImageInspectError'
    | 'RegistryUnavailable';
  /** When to try again; undefined: when something changes. */
  readonly retryMs: number | undefined;

  constructor(reason: ImageError['reason'], message: string, retryMs: number | undefined, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.retryMs = retryMs;
  }
}

export interface ImageRequest {
  readonly pod: corev1.Pod;
  /** As the user wrote it. */
  readonly image: string;
  readonly policy: 'Always' | 'IfNotPresent' | 'Never';
  /** Where in the pod the events point. */
  readonly fieldPath: string | undefined;
  readonly secrets: readonly corev1.Secret[];
  readonly sandboxConfig: PodSandboxConfig;
}

export interface ImagePullerOptions {
  readonly images: ImageService;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly backoff: BackoffPolicy;
  /** Pulls at the same time. */
  readonly maxParallelPulls: number;
}

export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #backoff: CrashBackoff;
  readonly #slots: Slots;
  /** By back-off key: when the last pull failed, and what it said. */
  readonly #failures = new Map<string, { readonly atMs: number; readonly text: string }>();
  readonly #pulls = new Map<string, Promise<string>>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
    this.#backoff = new CrashBackoff(options.backoff, options.clock);
    this.#slots = new Slots(options.maxParallelPulls);
  }

  /** @throws ImageError */
  async ensure(request: ImageRequest, ctx: Ctx): Promise<EngineImage> {
    const { image, policy } = request;
    const name = this.#fullName(request);
    const present = await this.#inspect(request, name, ctx);
    if (policy === 'Never' || (policy === 'IfNotPresent' && present)) {
      if (present) {
        this.#event(
          request,
          'Normal',
          'Pulled',
          `Container image ${goQuote(image)} already present on machine and can be accessed by the pod`,
        );
        return present;
      }
      const message = `Container image ${goQuote(image)} is not present with pull policy of Never`;
      this.#event(request, 'Warning', 'ErrImageNeverPull', message);
      throw new ImageError('ErrImageNeverPull', message, undefined);
    }
    this.#refuseDuringBackoff(request);
    return this.#pull(request, name, ctx);
  }

  /** The pod is gone: its failures are forgotten. */
  forget(podUid: string): void {
    this.#backoff.forget(`${podUid}_`);
    for (const key of this.#failures.keys()) if (key.startsWith(`${podUid}_`)) this.#failures.delete(key);
  }

  #fullName(request: ImageRequest): string {
    try {
      return withDefaultTag(request.image);
    } catch (error) {
      if (!(error instanceof ImageNameError)) throw error;
      const message = `Failed to apply default image tag ${goQuote(request.image)}: ${error.message}`;
      this.#event(request, 'Warning', 'InspectFailed', message);
      throw new ImageError('InvalidImageName', message, undefined, { cause: error });
    }
  }

  async #inspect(request: ImageRequest, name: string, { signal }: Ctx): Promise<EngineImage | undefined> {
    try {
      return await this.#options.images.imageStatus({ image: name }, { signal });
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const message = `Failed to inspect image ${goQuote(request.image)}: ${errorText(error)}`;
      this.#event(request, 'Warning', 'InspectFailed', message);
      throw new ImageError('ImageInspectError', message, inspectRetryMs, { cause: error });
    }
  }

  #refuseDuringBackoff(request: ImageRequest): void {
    const key = backoffKey(request);
    const failure = this.#failures.get(key);
    const leftMs = failure ? this.#backoff.remaining(key, failure.atMs).leftMs : 0;
    if (leftMs <= 0) return;
    const short = `Back-off pulling image ${goQuote(request.image)}`;
    this.#event(request, 'Normal', 'BackOff', short);
    throw new ImageError('ImagePullBackOff', failure ? `${short}: ErrImagePull: ${failure.text}` : short, leftMs);
  }

  async #pull(request: ImageRequest, name: string, ctx: Ctx): Promise<EngineImage> {
    const { clock, images } = this.#options;
    const { image } = request;
    const key = backoffKey(request);
    this.#event(request, 'Normal', 'Pulling', `Pulling image ${goQuote(image)}`);
    const askedMs = clock.monotonic();
    try {
      const { reference, tookMs } = await this.#slots.use(async () => {
        const beganMs = clock.monotonic();
        const reference = await this.#shared(name, () => this.#tryCredentials(request, name, ctx));
        return { reference, tookMs: clock.monotonic() - beganMs };
      }, ctx.signal);
      const found = (await images.imageStatus({ image: reference }, ctx)) ?? (await images.imageStatus({ image: name }, ctx));
      if (!found) throw new ImageError('ErrImagePull', `image ${goQuote(image)} is not there after it was pulled`, inspectRetryMs);
      const [took, all] = [Math.trunc(tookMs), Math.trunc(clock.monotonic() - askedMs)].map(formatDuration);
      const message = `Successfully pulled image ${goQuote(image)} in ${took} (${all} including waiting). Image size: ${found.sizeBytes} bytes.`;
      this.#event(request, 'Normal', 'Pulled', message);
      this.#backoff.forget(key);
      this.#failures.delete(key);
      return found;
    } catch (error) {
      if (isAbort(error, ctx.signal)) throw error;
      this.#failed(request, key, error);
      // The failure itself is shown for a while before the waiting for the next try is.
      throw imageErrorOf(image, error, this.#options.backoff.initialMs / 2);
    }
  }

  #failed(request: ImageRequest, key: string, error: unknown): void {
    const now = this.#options.clock.now();
    const text = errorText(error);
    this.#event(request, 'Warning', 'Failed', `Failed to pull image ${goQuote(request.image)}: ${text}`);
    this.#backoff.started(key, now);
    this.#failures.set(key, { atMs: now, text });
  }

  /** Several containers that wait for one image wait for one pull. */
  #shared(name: string, pull: () => Promise<string>): Promise<string> {
    const running = this.#pulls.get(name);
    if (running) return running;
    const started = pull().finally(() => this.#pulls.delete(name));
    this.#pulls.set(name, started);
    return started;
  }

  async #tryCredentials({ secrets, sandboxConfig, image }: ImageRequest, name: string, ctx: Ctx): Promise<string> {
    const credentials = credentialsFor(parseImageName(image), secrets);
    if (credentials.length === 0) return this.#options.images.pullImage({ image: { image: name }, sandboxConfig }, ctx);
    let failure: unknown;
    for (const auth of credentials) {
      try {
        return await this.#options.images.pullImage({ image: { image: name }, auth, sandboxConfig }, ctx);
      } catch (error) {
        ctx.signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  #event({ pod, fieldPath }: ImageRequest, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.recorder.event(pod, { type, reason, message, ...(fieldPath && { fieldPath }) });
  }
}

const inspectRetryMs = 5000;

function backoffKey({ pod, image }: ImageRequest): string {
  return `${pod.metadata.uid}_${image}`;
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The engine marks some failures in its text; those have reasons of their own. */
function imageErrorOf(image: string, error: unknown, retryMs: number): ImageError {
  if (error instanceof ImageError) return error;
  const detail = isRuntimeError(error) ? error.detail : errorText(error);
  if (detail.startsWith('RegistryUnavailable')) {
    const message = `image pull failed for ${image} because the registry is unavailable${detail.slice('RegistryUnavailable'.length)}`;
    return new ImageError('RegistryUnavailable', message, retryMs, { cause: error });
  }
  return new ImageError('ErrImagePull', errorText(error), retryMs, { cause: error });
}
