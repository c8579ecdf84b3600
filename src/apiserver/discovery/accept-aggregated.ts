/**
 * Which form of discovery a client asks for: the aggregated list by the parameters of its `Accept` header, else the legacy lists.
 * @source apiserver pkg/endpoints/discovery/aggregated/negotiation.go
 */

export interface DiscoveryForm {
  readonly version: 'v2' | 'v2beta1' | 'legacy';
  readonly encoding: 'json' | 'yaml' | 'protobuf';
}

const legacy: DiscoveryForm = { version: 'legacy', encoding: 'json' };

/** In the server's order of preference. */
const encodings: readonly (readonly [string, DiscoveryForm['encoding']])[] = [
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
  ['application/vnd.kubernetes.protobuf', 'protobuf'],
];

/**
 * Reads an `Accept` header such as `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json`: of the
 * entries that ask for an aggregated list in a form that the server has, the one with the highest quality wins, the earlier of two
 * equal ones; entries that ask for anything else do not compete.
 */
export function discoveryForm(accept: string | undefined): DiscoveryForm {
  const entries = (accept ?? '*/*').split(',').map(parseEntry);
  const best = entries.toSorted((a, b) => b.quality - a.quality).find(({ form, quality }) => form !== undefined && quality > 0);
  return best?.form ?? legacy;
}

function parseEntry(entry: string): { readonly form: DiscoveryForm | undefined; readonly quality: number } {
  const [mediaType = '', ...parts] = entry.split(';').map((part) => part.trim());
  const parameters = new Map(parts.map((part) => part.split('=', 2).map((side) => side.trim()) as [string, string]));
  const quality = Number(parameters.get('q') ?? '1');
  return { form: formOf(mediaType.toLowerCase(), parameters), quality: Number.isNaN(quality) ? 0 : quality };
}

function formOf(mediaType: string, parameters: ReadonlyMap<string, string>): DiscoveryForm | undefined {
  const isAny = mediaType === 'application/*' || mediaType === '*/*';
  const encoding = encodings.find(([type]) => isAny || type === mediaType)?.[1];
  if (!encoding || parameters.get('g') !== 'apidiscovery.k8s.io' || parameters.get('as') !== 'APIGroupDiscoveryList') return undefined;
  const version = parameters.get('v');
  return version === 'v2' || version === 'v2beta1' ? { version, encoding } : undefined;
}
