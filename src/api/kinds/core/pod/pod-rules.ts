/** What the rules for a pod's spec depend on beside the spec. */

export interface PodRules {
  /** A Pod itself, not the template of one: some rules wait until the pod is made. */
  readonly isPod: boolean;
  /** The pod's name when it is known; some volumes make objects named after it. */
  readonly podName?: string | undefined;
}
