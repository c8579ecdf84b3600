/** The door to the processes of a cluster. Each is loaded when it is run: an agent does not pay for an API server. */

interface Until {
  readonly signal: AbortSignal;
}

/** Runs the control plane of a cluster of this machine until the signal aborts. */
export async function runControlPlane(name: string, until: Until): Promise<void> {
  await (await import('./control-plane.ts')).runControlPlane(name, until);
}

/** Runs the agent of node `index` until the signal aborts; the process is in the node's namespaces already. */
export async function runAgent(name: string, index: number, until: Until): Promise<void> {
  await (await import('./agent.ts')).runAgent(name, index, until);
}
