/** Everything that was ever written to a store, object by object: what every check looks at, in the order in which it became true. */
import type { appsv1, batchv1, coordinationv1, corev1, KubeObject, policyv1 } from '../../../src/api/index.ts';
import type { Change } from '../../../src/testing/index.ts';

/** One write of one object that somebody checks. */
export interface Step {
  readonly timeMs: number;
  readonly kind: string;
  /** Undefined when it is new. */
  readonly old: KubeObject | undefined;
  /** Undefined when it is gone. */
  readonly now: KubeObject | undefined;
}

/** Looks at every step; returns what is wrong, in a sentence each. */
export type Check = (step: Step, history: History) => readonly string[];

export interface CheckedObjects {
  readonly Pod: corev1.Pod;
  readonly Node: corev1.Node;
  readonly ReplicaSet: appsv1.ReplicaSet;
  readonly Deployment: appsv1.Deployment;
  readonly StatefulSet: appsv1.StatefulSet;
  readonly DaemonSet: appsv1.DaemonSet;
  readonly Job: batchv1.Job;
  readonly CronJob: batchv1.CronJob;
  readonly PersistentVolume: corev1.PersistentVolume;
  readonly PersistentVolumeClaim: corev1.PersistentVolumeClaim;
  readonly ConfigMap: corev1.ConfigMap;
  readonly ResourceQuota: corev1.ResourceQuota;
  readonly PodDisruptionBudget: policyv1.PodDisruptionBudget;
  readonly Lease: coordinationv1.Lease;
}

export type CheckedKind = keyof CheckedObjects;
const kinds: readonly CheckedKind[] = [
  'Pod',
  'Node',
  'ReplicaSet',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'ConfigMap',
  'ResourceQuota',
  'PodDisruptionBudget',
  'Lease',
];
/** As stored bytes begin. */
const heads = kinds.map((kind) => ({ kind, bytes: Buffer.from(`{"kind":"${kind}",`) }));

export class History {
  /** What went wrong, each sentence once. */
  readonly faults = new Set<string>();
  readonly #objects = new Map<CheckedKind, Map<string, KubeObject>>(kinds.map((kind) => [kind, new Map()]));
  readonly #kindOf = new Map<string, CheckedKind>();
  readonly #checks: readonly Check[];
  readonly #onStep: (step: Step) => void;
  #startMs: number | undefined;

  /** @param onStep told of each step after it was checked */
  constructor(checks: readonly Check[], onStep: (step: Step) => void = () => {}) {
    this.#checks = checks;
    this.#onStep = onStep;
  }

  /** Seconds since the first change, as a text for messages. */
  at(timeMs: number): string {
    return `${((timeMs - (this.#startMs ?? timeMs)) / 1000).toFixed(3)} s`;
  }

  /** Those that stand now, in no order that means anything. */
  all<K extends CheckedKind>(kind: K): Iterable<CheckedObjects[K]> {
    // A kind's objects are of its type.
    return this.#objects.get(kind)!.values() as Iterable<KubeObject> as Iterable<CheckedObjects[K]>;
  }

  one<K extends CheckedKind>(kind: K, name: string): CheckedObjects[K] | undefined {
    for (const object of this.all(kind)) if (object.metadata.name === name) return object;
    return undefined;
  }

  record(change: Change): void {
    this.#startMs ??= change.timeMs;
    const step = this.#stepOf(change);
    if (step) this.take(step);
  }

  /** For tests of the checks: a step that was made up. */
  take(step: Step): void {
    for (const check of this.#checks) {
      for (const fault of check(step, this)) this.faults.add(`${this.at(step.timeMs)}: ${fault}`);
    }
    this.#onStep(step);
  }

  #stepOf({ key, value, timeMs }: Change): Step | undefined {
    if (!value) {
      const kind = this.#kindOf.get(key);
      if (!kind) return undefined;
      const old = this.#objects.get(kind)!.get(key);
      this.#objects.get(kind)!.delete(key);
      return { timeMs, kind, old, now: undefined };
    }
    const kind = kindOf(value);
    if (!kind) return undefined;
    this.#kindOf.set(key, kind);
    const objects = this.#objects.get(kind)!;
    const old = objects.get(key);
    // Whatever the API server stores is an object of its kind.
    const now = JSON.parse(Buffer.from(value).toString()) as KubeObject;
    objects.set(key, now);
    return { timeMs, kind, old, now };
  }
}

function kindOf(value: Uint8Array): CheckedKind | undefined {
  const start = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, 40));
  return heads.find(({ bytes }) => start.subarray(0, bytes.length).equals(bytes))?.kind;
}

/** The controller of an object, when it is of this kind. */
export function ownerOf(object: KubeObject, kind: string): string | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller && reference.kind === kind)?.uid;
}
