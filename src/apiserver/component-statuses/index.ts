/**
 * The door of component statuses: asked for, each component of the control plane is looked at, and what it says is answered as
 * objects or as a table. Nothing is stored.
 * @source pkg/registry/core/componentstatus/rest.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import type { ExtensionFactory, TableRenderer } from '../extension.ts';
import { answerComputed } from '../rendering/computed-answer.ts';

/** What a component says of itself. */
export interface ComponentHealth {
  /** Such as `scheduler`. */
  readonly name: string;
  /** Why it is not healthy; undefined when it is. */
  readonly error?: string;
}

export interface ComponentStatusOptions {
  /** Components beside the store, which answers when the server does. */
  readonly components?: () => readonly ComponentHealth[];
  readonly tables: TableRenderer;
}

const storeHealth: ComponentHealth = { name: 'etcd-0' };

export function componentStatusExtension({ components = () => [], tables }: ComponentStatusOptions): ExtensionFactory {
  return () => ({
    subresources: {
      componentstatuses: (ctx, { resource }) => {
        const all = [...components(), storeHealth].map(statusOf);
        const get = ({ name }: { readonly name: string }): corev1.ComponentStatus | undefined =>
          all.find(({ metadata }) => metadata.name === name);
        return Promise.resolve(answerComputed(ctx, { resource, tables, list: () => all, get }));
      },
    },
  });
}

function statusOf({ name, error }: ComponentHealth): corev1.ComponentStatus {
  const condition =
    error === undefined ? { type: 'Healthy', status: 'True', message: 'ok' } : { type: 'Healthy', status: 'False', message: '', error };
  // It was never made, so it has none of what the registry gives.
  return { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name }, conditions: [condition] } as unknown as corev1.ComponentStatus;
}
