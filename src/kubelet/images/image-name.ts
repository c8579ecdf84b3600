/**
 * Image names as users write them: checked, and completed by a default tag. Pure.
 * @source distribution/reference: the grammar of names, tags and digests
 */

/** The name is none; the message is the one that users see. */
export class ImageNameError extends Error {
  override readonly name = 'ImageNameError';
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const hostLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const host = `(?:${hostLabel}(?:\\.${hostLabel})*|\\[[0-9a-fA-F:.]+\\])(?::[0-9]+)?`;
const shape = new RegExp(
  `^(?:(${host})/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);
const maxNameLength = 255;

export interface ImageName {
  /** Registry host with port, such as `docker.io`. */
  readonly registry: string;
  /** With `library/` where Docker Hub adds it. */
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** @throws ImageNameError */
export function parseImageName(text: string): ImageName {
  const fail = (why: string): never => {
    throw new ImageNameError(`couldn't parse image name "${text}": ${why}`);
  };
  if (text === '') return fail('invalid reference format');
  if (/^[a-f0-9]{64}$/.test(text)) return fail(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const match = shape.exec(text);
  if (!match) {
    return fail(
      shape.test(text.toLowerCase()) ? 'invalid reference format: repository name must be lowercase' : 'invalid reference format',
    );
  }
  let [, registry, repository = '', tag = '', digest = ''] = match;
  // Only what looks like a host, or cannot be a name, is one: `library/busybox` has none.
  if (registry !== undefined && !/[.:A-Z]|^localhost$/.test(registry)) {
    repository = `${registry}/${repository}`;
    registry = undefined;
  }
  registry = registry === undefined || registry === 'index.docker.io' ? 'docker.io' : registry;
  if (registry === 'docker.io' && !repository.includes('/')) repository = `library/${repository}`;
  if (`${registry}/${repository}`.length > maxNameLength) return fail('repository name must not be more than 255 characters');
  return { registry, repository, tag, digest };
}

/** What the engine is asked for: the user's text, with `:latest` when it names neither tag nor digest. @throws ImageNameError */
export function withDefaultTag(text: string): string {
  const { tag, digest } = parseImageName(text);
  return tag === '' && digest === '' ? `${text}:latest` : text;
}
