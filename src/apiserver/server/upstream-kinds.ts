/** Everything that Kubernetes v1.35 serves, to tell what is not built yet from what does not exist. */
import * as api from '../../api/index.ts';

let known: Map<string, string> | undefined;

/** The kind behind `group/version/plural` upstream; undefined when upstream does not know it either. */
export function upstreamKind(group: string, version: string, plural: string): string | undefined {
  known ??= collect();
  return known.get(`${group}/${version}/${plural}`);
}

function collect(): Map<string, string> {
  const kinds = new Map<string, string>();
  for (const [name, table] of Object.entries(api)) {
    if (!name.endsWith('Resources') || typeof table !== 'object') continue;
    // The generated tables of handles are exported under these names.
    for (const ref of Object.values(table as Readonly<Record<string, api.ResourceRef>>)) {
      kinds.set(`${ref.group}/${ref.version}/${ref.plural}`, ref.kind);
    }
  }
  return kinds;
}
