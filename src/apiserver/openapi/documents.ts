/**
 * The documents of `/openapi/v2` and `/openapi/v3` in the form they are sent in: built when somebody asks, packed once, kept as
 * packed bytes until what is served changes. Knows nothing of schemas: a source builds the documents.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip as gunzipCallback, gzip as gzipCallback } from 'node:zlib';
import type { JsonObject, ResourceDefinition } from '../../api/index.ts';

const gzip = promisify(gzipCallback);
const gunzip = promisify(gunzipCallback);

/** Builds the documents. Each call may take a while and a lot of memory. */
export interface OpenApiSource {
  /** One group and version: `api/v1` or `apis/apps/v1`. */
  v3(definitions: readonly ResourceDefinition[], path: string): JsonObject;
  v2(definitions: readonly ResourceDefinition[]): JsonObject;
  /** `v2` as the protobuf message `openapi.v2.Document`. */
  v2Protobuf(definitions: readonly ResourceDefinition[]): Uint8Array;
}

/** A document in its packed form. */
export interface PackedDocument {
  readonly gzipped: Uint8Array;
  /** Upper-case hexadecimal; the same for the same text. */
  readonly hash: string;
}

export type DocumentName = { readonly type: 'v3'; readonly path: string } | { readonly type: 'v2' } | { readonly type: 'v2-protobuf' };

export class OpenApiDocuments {
  readonly #source: OpenApiSource;
  readonly #definitions: readonly ResourceDefinition[];
  readonly #packed = new Map<string, Promise<PackedDocument>>();

  constructor(source: OpenApiSource, definitions: readonly ResourceDefinition[]) {
    this.#source = source;
    this.#definitions = [...definitions];
  }

  /** Whether the documents are those of these resources. */
  describes(definitions: readonly ResourceDefinition[]): boolean {
    return this.#definitions.length === definitions.length && this.#definitions.every((definition, i) => definition === definitions[i]);
  }

  /** The group versions that there is a document of, sorted. */
  paths(): string[] {
    return [
      ...new Set(this.#definitions.map(({ group, version }) => (group === '' ? `api/${version}` : `apis/${group}/${version}`))),
    ].toSorted();
  }

  /**
   * What the documents of `/openapi/v3` are told apart by, without building them: the resources of the group and version and the
   * server's version, from which they are made.
   */
  hashOf(path: string, serverVersion: string): string {
    const described = this.#definitions
      .filter(({ group, version }) => path === (group === '' ? `api/${version}` : `apis/${group}/${version}`))
      .map(({ schema, plural, namespaced, verbs, subresources }) => [
        schema,
        plural,
        namespaced,
        verbs,
        subresources.map(({ name }) => name),
      ]);
    return createHash('sha512')
      .update(JSON.stringify([serverVersion, path, described]))
      .digest('hex')
      .toUpperCase();
  }

  /** A document, built on the first call. */
  packed(name: DocumentName): Promise<PackedDocument> {
    const key = name.type === 'v3' ? name.path : name.type;
    let document = this.#packed.get(key);
    if (!document) {
      document = this.#build(name);
      this.#packed.set(key, document);
      // A failure is not remembered: the next request tries again.
      document.catch(() => this.#packed.delete(key));
    }
    return document;
  }

  async #build(name: DocumentName): Promise<PackedDocument> {
    const bytes = this.#bytes(name);
    const hash = createHash('sha512').update(bytes).digest('hex').toUpperCase();
    return { gzipped: await gzip(bytes), hash };
  }

  #bytes(name: DocumentName): Uint8Array {
    if (name.type === 'v2-protobuf') return this.#source.v2Protobuf(this.#definitions);
    const document = name.type === 'v3' ? this.#source.v3(this.#definitions, name.path) : this.#source.v2(this.#definitions);
    return Buffer.from(JSON.stringify(document));
  }
}

/** The document's own bytes, for the rare client that cannot unpack. */
export async function unpacked({ gzipped }: PackedDocument): Promise<Uint8Array> {
  return gunzip(gzipped);
}
