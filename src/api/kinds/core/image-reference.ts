/** What an image's name says about its tag. @source distribution/reference; pkg/util/parsers, v1.35 */

/**
 * Whether the reference means the tag `latest`: it says so, or it has neither tag nor digest. A digest fixes the image.
 */
export function isLatestImage(image: string): boolean {
  if (image.includes('@')) return false;
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest';
}

/** The default of `imagePullPolicy`. */
export function defaultPullPolicy(image: string | undefined): 'Always' | 'IfNotPresent' {
  return isLatestImage(image ?? '') ? 'Always' : 'IfNotPresent';
}
