/** Kubernetes' protobuf, read into JSON trees and written from them. */
export { decodeProtobuf } from './decode-protobuf.ts';
export { encodeMessage, encodeProtobuf, hasProtobuf } from './encode-protobuf.ts';
export { envelope, envelopeEnd, envelopeStart, type EnvelopeType } from './envelope.ts';
export { ProtobufError } from './wire-reader.ts';
export { WireWriter } from './wire-writer.ts';
