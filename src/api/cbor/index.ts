/** CBOR, read into JSON trees and written from them. */
export { CborError, decodeCbor, encodeCbor } from './cbor.ts';
