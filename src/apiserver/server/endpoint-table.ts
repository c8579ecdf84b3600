/** Paths outside the resources: exact ones first, then the longest prefix. */
import type { RestEndpoint } from '../extension.ts';

export class EndpointTable {
  readonly #exact = new Map<string, RestEndpoint>();
  /** Longest first; without their `/*`. */
  readonly #prefixes: readonly { readonly prefix: string; readonly endpoint: RestEndpoint }[];

  constructor(endpoints: readonly RestEndpoint[]) {
    const prefixes: { prefix: string; endpoint: RestEndpoint }[] = [];
    for (const endpoint of endpoints) {
      if (endpoint.path.endsWith('/*')) prefixes.push({ prefix: endpoint.path.slice(0, -1), endpoint });
      else this.#exact.set(endpoint.path, endpoint);
    }
    this.#prefixes = prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /** @param path decoded, without the query */
  find(path: string): RestEndpoint | undefined {
    return this.#exact.get(path) ?? this.#prefixes.find(({ prefix }) => path.startsWith(prefix))?.endpoint;
  }

  get paths(): string[] {
    return [...this.#exact.keys()];
  }
}
