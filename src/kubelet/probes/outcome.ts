/** What one try of a probe says. A probe that could not be tried at all throws; its result is unknown and changes nothing. */
export interface ProbeOutcome {
  /** `warning` counts as success and is told to the user. */
  readonly result: 'success' | 'failure' | 'warning';
  /** What the probed program or server said, for the event. */
  readonly output: string;
}

/** Most of an answer, in bytes, that is kept. @source pkg/probe maxReadLength, maxRespBodyLength */
export const maxOutputBytes = 10 * 1024;

/** How the probes present themselves. */
export const probeUserAgent = 'kube-probe/1.35';

/** A probe that cannot be tried: its specification does not fit its container. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
}
