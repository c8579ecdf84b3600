/**
 * Protobuf messages from the compact notation in `gen/`: enough of the protocol for CRI and containerd's events, without .proto files.
 * 64-bit integers are bigint, enums their names, field names camelCase. It knows nothing of gRPC.
 */
import protobuf from 'protobufjs';

/** A message as it comes off the wire: every field present, absent messages null. */
export type WireMessage = Readonly<Record<string, unknown>>;

export interface MessageCodec {
  encode(message: WireMessage): Buffer;
  decode(bytes: Uint8Array): WireMessage;
}

export interface ProtocolFacts {
  /** By message: `field number type`, with `*` for repeated, separated by `, `. */
  readonly messages: Readonly<Record<string, string>>;
  readonly enums: Readonly<Record<string, string>>;
}

/** Looks up the codec of a message; codecs are compiled once, on first use. */
export function createProtocol(facts: ProtocolFacts): (message: string) => MessageCodec {
  const root = protobuf.Root.fromJSON({ nested: descriptors(facts) });
  const codecs = new Map<string, MessageCodec>();
  return (message) => {
    let codec = codecs.get(message);
    if (!codec) {
      codec = codecOf(root.lookupType(message));
      codecs.set(message, codec);
    }
    return codec;
  };
}

function codecOf(type: protobuf.Type): MessageCodec {
  return {
    encode: (message) => Buffer.from(type.encode(type.fromObject(message)).finish()),
    decode: (bytes) => type.toObject(type.decode(bytes), { longs: BigInt, enums: String, defaults: true, arrays: true, objects: true }),
  };
}

function descriptors(facts: ProtocolFacts): Record<string, protobuf.AnyNestedObject> {
  const nested: Record<string, protobuf.AnyNestedObject> = {};
  for (const [name, notation] of Object.entries(facts.messages)) nested[name] = { fields: fieldsOf(notation) };
  for (const [name, notation] of Object.entries(facts.enums)) {
    nested[name] = {
      values: Object.fromEntries(
        notation.split(', ').map((part) => {
          const [value, number] = part.split(' ');
          return [value!, Number(number)];
        }),
      ),
    };
  }
  return nested;
}

function fieldsOf(notation: string): Record<string, protobuf.IField | protobuf.IMapField> {
  const fields: Record<string, protobuf.IField | protobuf.IMapField> = {};
  if (notation === '') return fields;
  for (const part of notation.split(', ')) {
    const [name, number, type] = part.split(' ') as [string, string, string];
    const id = Number(number);
    const map = /^map<(\w+):(\w+)>$/.exec(type);
    if (map) fields[name] = { keyType: map[1]!, type: map[2]!, id };
    else if (type.endsWith('*')) fields[name] = { rule: 'repeated', type: type.slice(0, -1), id };
    else fields[name] = { type, id };
  }
  return fields;
}
