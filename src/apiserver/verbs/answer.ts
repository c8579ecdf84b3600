/** What a verb answers before anyone has decided how it is written: HTTP renders it to bytes, the in-process transport takes it as it is. */
import type { OpenWatch } from '../cache/watch-opener.ts';
import type { ListPage } from '../cache/list-reader.ts';
import type { StoredObject } from '../cache/stored-object.ts';
import type { ResourceView } from '../rendering/view.ts';
import type { ApiResponse } from '../request.ts';

export type Answer =
  | { readonly type: 'stored'; readonly status: number; readonly view: ResourceView; readonly object: StoredObject }
  | { readonly type: 'list'; readonly view: ResourceView; readonly page: ListPage }
  | {
      readonly type: 'watch';
      readonly view: ResourceView;
      /** Opens the watch; the callback is called as `Watcher` says. */
      readonly open: (onEvents: () => void) => Promise<OpenWatch>;
      readonly timeoutMs: number;
    }
  | ApiResponse;
