/** Image names in full, as the engine stores them: `busybox` is `docker.io/library/busybox:latest`. @source distribution reference grammar */
import { ClusterError } from '../cluster-error.ts';

const pathComponent = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const domain = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\\.(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?))*(?::[0-9]+)?';
const reference = new RegExp(
  `^(?:(${domain})/)?(${pathComponent}(?:/${pathComponent})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);

/**
 * The full name of an image.
 * @throws ClusterError when `name` is no image name
 */
export function fullImageName(name: string): string {
  const match = reference.exec(name);
  if (!match) throw new ClusterError(`not an image name: "${name}"`);
  const [, first, path = '', tag, digest] = match;
  // The first component is a host only when it looks like one; `team/app` is a path.
  const isHost = first !== undefined && (first.includes('.') || first.includes(':') || first === 'localhost');
  const host = isHost ? first : 'docker.io';
  const repository = isHost ? path : [first, path].filter(Boolean).join('/');
  const inLibrary = host === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository;
  return `${host}/${inLibrary}${tag ? `:${tag}` : digest ? '' : ':latest'}${digest ? `@${digest}` : ''}`;
}
