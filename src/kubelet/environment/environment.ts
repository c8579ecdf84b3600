/**
 * A container's environment: what envFrom and env say, with references, secrets and the downward API resolved, and the variables
 * of services. It fails as a whole with a message for the user; it never starts a container with half of its variables.
 * @source pkg/kubelet/kubelet_pods.go makeEnvironmentVariables (v1.35)
 */
import { type corev1, isApiError } from '../../api/index.ts';
import type { Ctx } from '../../base/index.ts';
import { CreateContainerConfigError, type Environment, type EnvironmentInput, type KubeletDeps } from '../seams.ts';
import { DownwardFieldError, podField, resourceField } from './downward-fields.ts';
import { expandReferences, variableMap } from './expansion.ts';
import { NotSyncedError, type ReferencedObjects, referencedObjects } from './referenced-objects.ts';
import { serviceVariables } from './service-variables.ts';

export function createEnvironment(deps: Pick<KubeletDeps, 'client' | 'clock' | 'random' | 'log'>): Environment {
  const objects = referencedObjects(deps);
  return {
    build: async (input, ctx) => {
      try {
        return await new Builder(input, objects, ctx.signal).build();
      } catch (error) {
        if (ctx.signal.aborted) throw error;
        if (isApiError(error) || error instanceof DownwardFieldError || error instanceof NotSyncedError) {
          throw new CreateContainerConfigError(error.message, { cause: error });
        }
        throw error;
      }
    },
    expand: (text, variables) => {
      const values = variableMap(variables);
      return expandReferences(text, (name) => values.get(name));
    },
  };
}

/** One build: what was read is kept, so that two references to an object see the same version. */
class Builder {
  readonly #input: EnvironmentInput;
  readonly #objects: ReferencedObjects;
  readonly #signal: Ctx['signal'];
  readonly #namespace: string;
  readonly #read = new Map<string, Promise<Readonly<Record<string, string>>>>();
  readonly #variables = new Map<string, string>();

  constructor(input: EnvironmentInput, objects: ReferencedObjects, signal: AbortSignal) {
    this.#input = input;
    this.#objects = objects;
    this.#signal = signal;
    this.#namespace = input.pod.metadata.namespace ?? '';
  }

  async build(): Promise<{ name: string; value: string }[]> {
    const { pod, container } = this.#input;
    this.#objects.register(pod);
    const services = serviceVariables(await this.#objects.services(this.#signal), {
      namespace: this.#namespace,
      enableServiceLinks: pod.spec.enableServiceLinks ?? true,
    });
    for (const source of container.envFrom ?? []) await this.#addAll(source);
    for (const variable of container.env ?? []) {
      const value = await this.#valueOf(variable, services);
      if (value !== undefined) this.#variables.set(variable.name, value);
    }
    return [...new Map([...services, ...this.#variables])].map(([name, value]) => ({ name, value }));
  }

  async #addAll({ configMapRef, secretRef, prefix = '' }: corev1.EnvFromSource): Promise<void> {
    const data = configMapRef
      ? await this.#data('configmap', configMapRef.name, configMapRef.optional)
      : await this.#data('secret', secretRef?.name, secretRef?.optional);
    for (const key of Object.keys(data ?? {})) this.#variables.set(prefix + key, data![key]!);
  }

  /** Undefined: an optional source that is not there, so no variable. */
  async #valueOf({ value, valueFrom }: corev1.EnvVar, services: ReadonlyMap<string, string>): Promise<string | undefined> {
    if (value) return expandReferences(value, (name) => this.#variables.get(name) ?? services.get(name));
    if (!valueFrom) return '';
    const { pod, container, podIps, hostIps, nodeAllocatable } = this.#input;
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
    if (fieldRef) return podField(pod, fieldRef.fieldPath, { podIps, hostIps });
    if (resourceFieldRef) return resourceField(resourceFieldRef, { pod, container, nodeAllocatable });
    if (configMapKeyRef) return this.#key('configmap', configMapKeyRef);
    if (secretKeyRef) return this.#key('secret', secretKeyRef);
    // GAP(env-file-key-ref)
    if (fileKeyRef) throw new CreateContainerConfigError('environment variables from files (fileKeyRef) are not supported');
    return '';
  }

  async #key(kind: 'configmap' | 'secret', selector: corev1.ConfigMapKeySelector): Promise<string | undefined> {
    const data = await this.#data(kind, selector.name, selector.optional);
    if (data && Object.hasOwn(data, selector.key)) return data[selector.key]!;
    if (selector.optional) return undefined;
    const title = kind === 'configmap' ? 'ConfigMap' : 'Secret';
    throw new CreateContainerConfigError(`couldn't find key ${selector.key} in ${title} ${this.#namespace}/${selector.name ?? ''}`);
  }

  /** The object's text data; undefined when it is optional and not there. */
  async #data(kind: 'configmap' | 'secret', name = '', optional = false): Promise<Readonly<Record<string, string>> | undefined> {
    const key = `${kind}/${name}`;
    const reading = this.#read.get(key) ?? this.#readData(kind, name);
    this.#read.set(key, reading);
    try {
      return await reading;
    } catch (error) {
      if (optional && isApiError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #readData(kind: 'configmap' | 'secret', name: string): Promise<Readonly<Record<string, string>>> {
    const key = { namespace: this.#namespace, name };
    if (kind === 'configmap') return (await this.#objects.configMap(key, this.#signal)).data ?? {};
    const { data = {} } = await this.#objects.secret(key, this.#signal);
    return Object.fromEntries(Object.keys(data).map((each) => [each, Buffer.from(data[each]!, 'base64').toString('utf8')]));
  }
}
