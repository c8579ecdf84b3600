/** Events of a watch in CBOR, made from the JSON of a rendering: a sequence of documents without anything between them. */
import { encodeCbor } from '../../api/cbor/index.ts';
import { parseJson } from '../../api/json/index.ts';
import type { EventForm, Rendering } from './rendering.ts';

export function cborEvents(rendering: Rendering): EventForm {
  return {
    name: `cbor:${rendering.name}`,
    event: (type, stored) => Buffer.from(encodeCbor({ type, object: parseJson(rendering.object(stored)).value })),
    failure: (status) => Buffer.from(encodeCbor({ type: 'ERROR', object: status })),
  };
}
