/**
 * Registry credentials from a pod's imagePullSecrets: which of them fit an image, most specific first. Pure.
 * @source pkg/credentialprovider keyring.go, v1.35
 */
import type { corev1 } from '../../api/index.ts';
import type { RegistryAuth } from '../runtime/runtime.ts';
import type { ImageName } from './image-name.ts';

interface DockerEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** The credentials that fit `image`; empty: pull without. Secrets that cannot be read are skipped. */
export function credentialsFor(image: ImageName, secrets: readonly corev1.Secret[]): readonly RegistryAuth[] {
  const target = `${image.registry}/${image.repository}`;
  const found: { readonly pattern: string; readonly auth: RegistryAuth }[] = [];
  for (const secret of secrets) {
    for (const [server, entry] of Object.entries(entriesOf(secret))) {
      const pattern = normalize(server);
      if (matches(pattern, target)) found.push({ pattern, auth: authOf(entry, server) });
    }
  }
  return found.sort((a, b) => b.pattern.length - a.pattern.length).map(({ auth }) => auth);
}

function entriesOf({ type, data }: corev1.Secret): Readonly<Record<string, DockerEntry>> {
  try {
    if (type === 'kubernetes.io/dockerconfigjson') {
      return (decode(data?.['.dockerconfigjson']) as { readonly auths?: Readonly<Record<string, DockerEntry>> }).auths ?? {};
    }
    if (type === 'kubernetes.io/dockercfg') return decode(data?.['.dockercfg']) as Readonly<Record<string, DockerEntry>>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return {};
}

function decode(base64: string | undefined): unknown {
  return JSON.parse(Buffer.from(base64 ?? '', 'base64').toString('utf8')) ?? {};
}

function authOf(entry: DockerEntry, serverAddress: string): RegistryAuth {
  // `auth` is base64 of user:password; an explicit pair wins.
  const [user = '', ...rest] = entry.auth ? Buffer.from(entry.auth, 'base64').toString('utf8').split(':') : [];
  return {
    username: entry.username ?? user,
    password: entry.password ?? rest.join(':').replace(/\0+$/, ''),
    serverAddress,
    ...(entry.identitytoken && { identityToken: entry.identitytoken }),
    ...(entry.registrytoken && { registryToken: entry.registrytoken }),
  };
}

/** Without scheme and API version; Docker Hub under its one name. */
function normalize(server: string): string {
  const bare = server
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  return bare.replace(/^(index\.docker\.io|registry-1\.docker\.io)/, 'docker.io');
}

/** Host labels may be `*`; the path is a prefix. */
function matches(pattern: string, target: string): boolean {
  const [patternHost = '', ...patternPath] = pattern.split('/');
  const [targetHost = '', ...targetPath] = target.split('/');
  const [wanted, given] = [patternHost.split('.'), targetHost.split('.')];
  if (wanted.length !== given.length) return false;
  if (!wanted.every((label, i) => label === given[i] || (label.includes('*') && globMatches(label, given[i]!)))) return false;
  return patternPath.every((part, i) => part === targetPath[i]);
}

function globMatches(glob: string, text: string): boolean {
  const parts = glob.split('*');
  let at = 0;
  for (const [i, part] of parts.entries()) {
    const found = i === 0 ? (text.startsWith(part) ? 0 : -1) : text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return parts.at(-1) === '' || text.endsWith(parts.at(-1)!);
}
