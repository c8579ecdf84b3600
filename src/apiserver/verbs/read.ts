/** GET, LIST and WATCH of any resource. */
import { notFound } from '../../api/index.ts';
import { parseRevision } from '../cache/list-reader.ts';
import { selectionOf } from '../cache/selection.ts';
import type { WatchOpener } from '../cache/watch-opener.ts';
import { collectionKey, type StorageDeps } from '../registry/storage-deps.ts';
import type { Answer } from './answer.ts';
import { listOptions } from './options.ts';
import type { VerbRequest } from './verb-request.ts';

export async function getObject(deps: StorageDeps, request: VerbRequest): Promise<Answer> {
  const { view, query } = request;
  const version = query.get('resourceVersion') ?? '';
  if (version === '') await deps.cache.fresh();
  else if (version !== '0') await deps.cache.atLeast(parseRevision(version));
  const object = view.collection.get(collectionKey(view, request));
  if (!object) throw notFound({ group: view.definition.group, resource: view.definition.plural, name: request.name });
  return { type: 'stored', status: 200, view, object };
}

export async function listObjects(deps: StorageDeps, request: VerbRequest): Promise<Answer> {
  const { view, namespace, name, query } = request;
  const options = listOptions(query, false);
  const selection = selectionOf(view.definition, { namespace, name }, options);
  return { type: 'list', view, page: await deps.lists.read(view.collection, { selection, ...options }) };
}

export function watchObjects(deps: StorageDeps, watches: WatchOpener, request: VerbRequest): Answer {
  const { view, namespace, name, query } = request;
  const options = listOptions(query, true);
  const selection = selectionOf(view.definition, { namespace, name }, options);
  const { timeoutSeconds } = options;
  return {
    type: 'watch',
    view,
    timeoutMs: timeoutSeconds ? timeoutSeconds * 1_000 : deps.minWatchMs * (1 + deps.random.next()),
    open: (onEvents) =>
      watches.open(
        view.collection,
        {
          selection,
          resourceVersion: options.resourceVersion,
          allowBookmarks: options.allowWatchBookmarks,
          sendInitialEvents: options.sendInitialEvents,
        },
        onEvents,
      ),
  };
}
