/** Which backend a configuration asks for. */
import { assert, assertNever } from '../../base/index.ts';
import type { NetworkConfiguration } from '../configuration/index.ts';
import type { Backend, Place } from './backend.ts';
import { createHostGateway } from './host-gateway.ts';
import { createVxlan } from './vxlan.ts';

export function createBackend({ backend }: NetworkConfiguration, nodeName: string, places: readonly Place[]): Backend {
  assert(backend.type !== 'none', 'another network has no backend of ours');
  switch (backend.type) {
    case 'vxlan':
      return createVxlan(backend, nodeName, places);
    case 'host-gw':
      return createHostGateway(places);
    default:
      return assertNever(backend);
  }
}
