/** A plugin that threw, or answered what its point has no meaning for. It fails the cycle of one pod; the next try has an error's back-off. */
import type { Status } from '../framework/index.ts';

export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly plugin: string;

  /** @param where as upstream says it, such as `running PreFilter plugin "NodeAffinity"` */
  constructor(plugin: string, where: string, cause: unknown) {
    super(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.plugin = plugin;
  }
}

/** What an `Error` status stands for. */
export function causeOf(status: Status): unknown {
  return status.cause ?? new Error(status.reasons.join(', '));
}
