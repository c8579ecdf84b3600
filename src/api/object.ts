/** What every Kubernetes object has in common, as types: stored objects, objects about to be created, lists and JSON itself. */
import type { ListMeta, ObjectMeta } from './gen/meta-v1.ts';

export type JsonValue = string | number | bigint | boolean | null | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];
export interface JsonObject {
  readonly [field: string]: JsonValue;
}

/** A stored object of any kind: what reads and watches return. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** A list of objects as LIST returns it. */
export interface KubeList<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

/** An object as a client writes it before the API server has filled in names, uid, version, status and defaults. */
export type Unsaved<T extends KubeObject> = Omit<T, 'metadata' | 'status'> & {
  readonly metadata: Partial<ObjectMeta>;
  readonly status?: T extends { readonly status: infer S } ? S : never;
};

/** `T` with every level writable: for the code that builds an object, before it is shared. */
export type Draft<T> = T extends string | number | bigint | boolean | null | undefined
  ? T
  : T extends readonly (infer E)[]
    ? Draft<E>[]
    : T extends object
      ? { -readonly [K in keyof T]: Draft<T[K]> }
      : T;
