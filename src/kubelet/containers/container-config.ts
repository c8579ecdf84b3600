/** A container in the engine's words, from parts that others have prepared. Pure. @source kuberuntime generateContainerConfig, v1.35 */
import type { corev1 } from '../../api/index.ts';
import { containerAnnotations, containerLabels } from '../pods/labels.ts';
import { containerLogPath } from '../pods/pod-names.ts';
import type { ContainerConfig, Mount } from '../runtime/runtime.ts';
import type { AnyContainer, Environment } from '../seams.ts';
import { containerResources, type NodeMemory } from './container-resources.ts';
import { containerSecurityContext, type ImageUser, type SecurityPaths } from './security.ts';

export interface ContainerInput {
  readonly pod: corev1.Pod;
  readonly container: AnyContainer;
  readonly restartCount: number;
  /** What the engine calls the image. */
  readonly imageRef: string;
  readonly imageUser: ImageUser;
  readonly variables: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly environment: Pick<Environment, 'expand'>;
  readonly paths: SecurityPaths;
  readonly node: NodeMemory;
  readonly targetId?: string;
  readonly seccompDefault: boolean;
}

export function containerConfig(input: ContainerInput): ContainerConfig {
  const { pod, container, restartCount, variables, environment } = input;
  const expand = (texts: readonly string[] | undefined): string[] => (texts ?? []).map((text) => environment.expand(text, variables));
  const stopSignal = container.lifecycle?.stopSignal;
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: input.imageRef, userSpecifiedImage: container.image ?? '' },
    command: expand(container.command),
    args: expand(container.args),
    workingDir: container.workingDir ?? '',
    env: variables,
    mounts: input.mounts,
    devices: [],
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, restartCount),
    logPath: containerLogPath(container.name, restartCount),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    resources: containerResources(pod, container, input.node),
    security: containerSecurityContext(input),
    ...(stopSignal && { stopSignal }),
  };
}
