/** The door of table rendering. */
import type { ExtensionFactory } from '../extension.ts';
import { tableRenderer } from './table-renderer.ts';

export { tableRenderer };

/** Lets the API server answer `Accept: application/json;as=Table`. */
export function tablesExtension(): ExtensionFactory {
  return () => ({ tables: tableRenderer });
}
