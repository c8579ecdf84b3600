/**
 * Tells findings of the Service repair as events, as controllers do: the API server writes them to its own registry.
 * @source kubernetes pkg/registry/core/service/{ipallocator,portallocator}/controller, v1.35
 */
import type { Draft, KubeObject, ResourceRef, Unsaved } from '../../api/index.ts';
import { TaskGroup } from '../../base/index.ts';
import { createEventRecorder, type EventRecorder, type EventWriter } from '../../client/index.ts';
import { loopbackUser } from '../auth/users.ts';
import type { ApiServerHost } from '../extension.ts';

/** Records about addresses and, by `portRepairComponent`, about ports. */
export function createRepairRecorder(host: ApiServerHost): EventRecorder {
  const { clock, random, log, signal } = host;
  const group = new TaskGroup({ log, signal });
  return createEventRecorder({ client: registryWriter(host), component: 'ipallocator-repair-controller', clock, random, group });
}

export const portRepairComponent = 'portallocator-repair-controller';

function registryWriter({ registry, signal }: ApiServerHost): EventWriter {
  const op = { user: loopbackUser, signal, warn: () => {} };
  const options = { fieldManager: 'kube-apiserver' } as const;
  return {
    create: <T extends KubeObject>(resource: ResourceRef<T>, object: Unsaved<T>) => {
      const { namespace = '' } = object.metadata;
      // The registry fills in the rest.
      return registry.storage(resource).create(structuredClone(object) as unknown as Draft<T>, { ...options, namespace }, op);
    },
    // A recorder writes over fields of the top.
    patch: (resource, { namespace = '', name }, { body }) =>
      registry.storage(resource).guaranteedUpdate({ namespace, name }, (draft) => void Object.assign(draft, body), options, op),
  };
}
