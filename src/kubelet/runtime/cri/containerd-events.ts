/**
 * containerd's own event stream as runtime events. CRI has GetContainerEvents, but containerd 1.6 does not serve it; its native events
 * come over the same socket within milliseconds. They are hints: the relist stays the truth.
 * @source containerd api/services/events/v1, api/events/task.proto
 */
import type { RuntimeEvent } from '../runtime.ts';
import type { Connection, Method } from './connection.ts';
import { createProtocol } from './protobuf.ts';

const codec = createProtocol({
  messages: {
    SubscribeRequest: 'filters 1 string*',
    Envelope: 'namespace 2 string, topic 3 string, event 4 Any',
    Any: 'typeUrl 1 string, value 2 bytes',
    TaskEvent: 'containerId 1 string, id 2 string',
    TaskStarted: 'containerId 1 string',
  },
  enums: {},
});

/** CRI's containers live in this namespace of containerd. */
const criNamespace = 'k8s.io';

const subscribe: Method = {
  path: '/containerd.services.events.v1.Events/Subscribe',
  request: codec('SubscribeRequest'),
  response: codec('Envelope'),
};

const types: ReadonlyMap<string, RuntimeEvent['type']> = new Map([
  ['/tasks/create', 'created'],
  ['/tasks/start', 'started'],
  ['/tasks/exit', 'stopped'],
  ['/tasks/delete', 'deleted'],
]);

export async function* containerdEvents(connection: Connection, signal: AbortSignal): AsyncIterable<RuntimeEvent> {
  const request = { filters: [...types.keys()].map((topic) => `namespace==${criNamespace},topic=="${topic}"`) };
  for await (const envelope of connection.stream(subscribe, request, { signal })) {
    const topic = envelope['topic'] as string;
    const type = types.get(topic);
    const body = envelope['event'] as { readonly value: Uint8Array } | undefined;
    if (!type || !body) continue;
    // Field 2 is the process's id in exits only; an exec's exit is nothing that happened to the container.
    if (topic === '/tasks/exit') {
      const { containerId, id } = codec('TaskEvent').decode(body.value) as { readonly containerId: string; readonly id: string };
      if (id === containerId) yield { containerId, type };
    } else {
      const { containerId } = codec('TaskStarted').decode(body.value) as { readonly containerId: string };
      yield { containerId, type };
    }
  }
}
