/** One verb on one resource, whatever transport it came by. */
import type { QueryParameters } from '../request.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { Operation } from '../storage.ts';
import type { BodySource } from './body.ts';

export interface VerbRequest {
  readonly view: ResourceView;
  /** Empty for cluster-scoped resources and all namespaces. */
  readonly namespace: string;
  /** Empty for collections. */
  readonly name: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly query: QueryParameters;
  /** Names the field manager of clients that do not. */
  readonly userAgent: string;
  readonly op: Operation;
  body(): Promise<BodySource>;
}
