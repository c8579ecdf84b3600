/**
 * Which form of discovery a client asks for: the aggregated list by the parameters of its `Accept` header, else the legacy lists.
 * @source apiserver pkg/endpoints/discovery/aggregated/negotiation.go
 */

export type DiscoveryForm = 'v2' | 'v2beta1' | 'legacy';

/**
 * Reads an `Accept` header such as `application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json`: the
 * entry with the highest quality that the server can answer wins, the earlier of two equal ones.
 */
export function discoveryForm(accept: string | undefined): DiscoveryForm {
  const entries = (accept ?? '*/*').split(',').map(parseEntry);
  const best = entries.toSorted((a, b) => b.quality - a.quality).find(({ form, quality }) => form !== undefined && quality > 0);
  return best?.form ?? 'legacy';
}

function parseEntry(entry: string): { readonly form: DiscoveryForm | undefined; readonly quality: number } {
  const [mediaType = '', ...parts] = entry.split(';').map((part) => part.trim());
  const parameters = new Map(parts.map((part) => part.split('=', 2).map((side) => side.trim()) as [string, string]));
  const quality = Number(parameters.get('q') ?? '1');
  return { form: formOf(mediaType.toLowerCase(), parameters), quality: Number.isNaN(quality) ? 0 : quality };
}

function formOf(mediaType: string, parameters: ReadonlyMap<string, string>): DiscoveryForm | undefined {
  if (parameters.get('as') === undefined) return 'legacy';
  const isJson = mediaType === 'application/json' || mediaType === 'application/*' || mediaType === '*/*';
  if (!isJson || parameters.get('g') !== 'apidiscovery.k8s.io' || parameters.get('as') !== 'APIGroupDiscoveryList') return undefined;
  const version = parameters.get('v');
  return version === 'v2' || version === 'v2beta1' ? version : undefined;
}
