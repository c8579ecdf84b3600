/**
 * The envelope around every message: four bytes that say "Kubernetes", then a `runtime.Unknown` with the type's name and the bytes.
 * Its parts can be had apart, so that bytes which are kept need no copy to be sent.
 * @source apimachinery pkg/runtime/serializer/protobuf, pkg/runtime/generated.proto Unknown
 */
import { tagOf } from './special-messages.ts';
import { ProtobufError, WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** `k8s` and a zero byte. */
const magic = [0x6b, 0x38, 0x73, 0x00];

export interface EnvelopeType {
  readonly apiVersion: string;
  readonly kind: string;
}

const writer = new WireWriter();

/** What comes before a message of that many bytes. */
export function envelopeStart({ apiVersion, kind }: EnvelopeType, length: number): Uint8Array<ArrayBuffer> {
  writer.count(length);
  writer.byte(tagOf(2, 2));
  const before = writer.length;
  writer.text(kind);
  writer.byte(tagOf(2, 2));
  writer.text(apiVersion);
  writer.byte(tagOf(1, 2));
  writer.count(writer.length - before);
  writer.byte(tagOf(1, 2));
  writer.raw(Uint8Array.from(magic));
  return writer.take();
}

/** What comes after the message: no encoding, no content type. */
export const envelopeEnd: Uint8Array = Uint8Array.of(tagOf(3, 2), 0, tagOf(4, 2), 0);

export function envelope(type: EnvelopeType, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = envelopeStart(type, message.length);
  const bytes = new Uint8Array(start.length + message.length + envelopeEnd.length);
  bytes.set(start);
  bytes.set(message, start.length);
  bytes.set(envelopeEnd, start.length + message.length);
  return bytes;
}

/** What is in an envelope. @throws ProtobufError */
export function openEnvelope(bytes: Uint8Array): EnvelopeType & { readonly message: Uint8Array } {
  if (magic.some((byte, i) => bytes[i] !== byte)) throw new ProtobufError('provided data does not appear to be a protobuf message');
  let type: EnvelopeType = { apiVersion: '', kind: '' };
  let message: Uint8Array = new Uint8Array();
  const reader = new WireReader(bytes.subarray(magic.length));
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === 2) type = readType(reader.block());
    else if (field === 2 && wire === 2) message = reader.block();
    else reader.skip(wire);
  }
  return { ...type, message };
}

function readType(bytes: Uint8Array): EnvelopeType {
  const type = { apiVersion: '', kind: '' };
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1 && wire === 2) type.apiVersion = reader.text();
    else if (field === 2 && wire === 2) type.kind = reader.text();
    else reader.skip(wire);
  }
  return type;
}
