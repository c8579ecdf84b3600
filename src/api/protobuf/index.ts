/** Kubernetes' protobuf, read into JSON trees. */
export { decodeProtobuf } from './decode-protobuf.ts';
export { ProtobufError } from './wire-reader.ts';
