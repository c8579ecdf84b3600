/** Picks the rendering of a view for the form that a client takes; each is made once. */
import { badRequest } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { TableRenderer } from '../extension.ts';
import type { QueryParameters } from '../request.ts';
import { type MetaVersion, PartialMetadataRendering } from './partial-metadata.ts';
import { ProtobufRendering } from './protobuf-rendering.ts';
import { FullRendering, type Rendering } from './rendering.ts';
import { type IncludeObject, TableRendering } from './table.ts';
import type { ResourceView } from './view.ts';

export interface WantedForm {
  readonly as: 'object' | 'table' | 'metadata';
  readonly version: MetaVersion;
}

const includeObjects: readonly string[] = ['None', 'Metadata', 'Object'];

export class Renderings {
  readonly #clock: Clock;
  readonly #tables: TableRenderer | undefined;
  readonly #full = new WeakMap<ResourceView, Rendering>();
  readonly #others = new WeakMap<ResourceView, Map<string, Rendering>>();
  readonly #protobuf = new WeakMap<ResourceView, Map<string, ProtobufRendering>>();

  constructor(clock: Clock, tables: TableRenderer | undefined) {
    this.#clock = clock;
    this.#tables = tables;
  }

  /** @param query says what comes with each row of a table @throws ApiError BadRequest */
  of(view: ResourceView, form: WantedForm, query: QueryParameters): Rendering {
    if (form.as === 'object') return this.full(view);
    if (form.as === 'metadata')
      return this.#other(view, `metadata ${form.version}`, () => new PartialMetadataRendering(view, form.version));
    const includeObject = query.get('includeObject') || 'Metadata';
    if (!includeObjects.includes(includeObject)) {
      throw badRequest(`unrecognized includeObject value: ${JSON.stringify(includeObject)}`);
    }
    const tables = this.#tables;
    if (!tables) throw badRequest('tables are not supported by this server');
    return this.#other(view, `table ${form.version} ${includeObject}`, () => {
      // Checked above.
      const options = { version: form.version, includeObject: includeObject as IncludeObject };
      return new TableRendering(view, tables, this.#clock, options);
    });
  }

  /** The same in protobuf. @param view one that `hasProtobuf` @param form no table */
  protobuf(view: ResourceView, { as, version }: WantedForm): ProtobufRendering {
    let known = this.#protobuf.get(view);
    if (!known) this.#protobuf.set(view, (known = new Map()));
    const key = `${as} ${version}`;
    let rendering = known.get(key);
    if (!rendering) known.set(key, (rendering = new ProtobufRendering(view, as === 'metadata' ? 'metadata' : 'object', version)));
    return rendering;
  }

  full(view: ResourceView): Rendering {
    let rendering = this.#full.get(view);
    if (!rendering) this.#full.set(view, (rendering = new FullRendering(view)));
    return rendering;
  }

  #other(view: ResourceView, key: string, make: () => Rendering): Rendering {
    let known = this.#others.get(view);
    if (!known) this.#others.set(view, (known = new Map()));
    let rendering = known.get(key);
    if (!rendering) known.set(key, (rendering = make()));
    return rendering;
  }
}
