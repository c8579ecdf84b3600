/** Objects cut down to their metadata: `PartialObjectMetadata` of meta.k8s.io. */
import type { KubeObject } from '../../api/index.ts';
import { stringifyJson } from '../../api/json/index.ts';
import type { ListPage } from '../cache/list-reader.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import { listStart, type Rendering } from './rendering.ts';
import type { ResourceView } from './view.ts';

export type MetaVersion = 'v1' | 'v1beta1';

export function partialMetadataOf(object: KubeObject, version: MetaVersion = 'v1'): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

export class PartialMetadataRendering implements Rendering {
  readonly name: string;
  readonly itemStart = '';
  readonly listEnd = ']}\n';
  readonly #view: ResourceView;
  readonly #version: MetaVersion;

  constructor(view: ResourceView, version: MetaVersion) {
    this.#view = view;
    this.#version = version;
    this.name = `metadata:${view.apiVersion}:${version}`;
  }

  object(stored: StoredObject): Uint8Array {
    return Buffer.from(stringifyJson(partialMetadataOf(this.#view.objectOf(stored), this.#version)));
  }

  listStart(page: ListPage): string {
    return listStart({ kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${this.#version}` }, page, 'items');
  }

  item(stored: StoredObject): Uint8Array {
    return this.object(stored);
  }
}
