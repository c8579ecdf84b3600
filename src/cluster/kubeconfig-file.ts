/**
 * The user's kubeconfig: the cluster's context goes in and comes out, everything else in the file stays as it is. Written as kubectl
 * does, under a lock file beside it and by rename; under sudo it is the invoking user's file and stays theirs.
 */
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { dump, load, loadAll } from 'js-yaml';
import { systemClock, writeFileAtomically } from '../base/index.ts';
import { ClusterError } from './cluster-error.ts';

type Env = Readonly<Record<string, string | undefined>>;

interface Named {
  readonly name: string;
}

interface KubeconfigDocument {
  readonly clusters?: readonly Named[] | null;
  readonly contexts?: readonly Named[] | null;
  readonly users?: readonly Named[] | null;
  readonly 'current-context'?: string;
  readonly [field: string]: unknown;
}

/** Whose file it is: under sudo the user who called it. */
export interface FileOwner {
  readonly home: string;
  readonly ids?: { readonly uid: number; readonly gid: number };
}

export function kubeconfigOwner(env: Env): FileOwner {
  const { SUDO_UID: uid, SUDO_GID: gid, SUDO_USER: user } = env;
  if (process.getuid?.() !== 0 || !uid || !gid || !user || uid === '0') return { home: env['HOME'] ?? homedir() };
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.split(':')[2] === uid);
  return { home: entry?.split(':')[5] ?? join('/home', user), ids: { uid: Number(uid), gid: Number(gid) } };
}

/** The file that kubectl would write to. */
export function kubeconfigPath(env: Env, owner: FileOwner): string {
  return env['KUBECONFIG']?.split(':').find(Boolean) ?? join(owner.home, '.kube/config');
}

export function contextName(cluster: string): string {
  return `knarr-${cluster}`;
}

/** The document with the cluster's own entries put in (replacing older ones of that name) and made current. Pure. */
export function withContext(document: KubeconfigDocument, cluster: string, own: KubeconfigDocument): KubeconfigDocument {
  const name = contextName(cluster);
  const cleared = withoutContext(document, cluster);
  const first = (entries: readonly Named[] | null | undefined): Record<string, unknown> => ({ ...entries?.[0], name });
  return {
    apiVersion: 'v1',
    kind: 'Config',
    ...cleared,
    clusters: [...(cleared.clusters ?? []), first(own.clusters) as unknown as Named],
    users: [...(cleared.users ?? []), first(own.users) as unknown as Named],
    contexts: [...(cleared.contexts ?? []), { name, context: { cluster: name, user: name } } as Named],
    'current-context': name,
  };
}

/** The document without the cluster's entries; a current context that pointed there points nowhere. Pure. */
export function withoutContext(document: KubeconfigDocument, cluster: string): KubeconfigDocument {
  const name = contextName(cluster);
  const others = (entries: readonly Named[] | null | undefined): Named[] => (entries ?? []).filter((entry) => entry.name !== name);
  return {
    ...document,
    clusters: others(document.clusters),
    users: others(document.users),
    contexts: others(document.contexts),
    ...(document['current-context'] === name && { 'current-context': '' }),
  };
}

/** Puts the cluster's context into the user's kubeconfig; returns the file. */
export function addContext(cluster: string, ownKubeconfig: string, env: Env): Promise<string> {
  const own = load(ownKubeconfig) as KubeconfigDocument;
  return change(env, (document) => withContext(document, cluster, own));
}

export async function removeContext(cluster: string, env: Env): Promise<void> {
  const path = kubeconfigPath(env, kubeconfigOwner(env));
  if (existsSync(path)) await change(env, (document) => withoutContext(document, cluster));
}

async function change(env: Env, edit: (document: KubeconfigDocument) => KubeconfigDocument): Promise<string> {
  const owner = kubeconfigOwner(env);
  const given = kubeconfigPath(env, owner);
  // A link stays a link to the file that is meant; but root follows nobody else's links.
  const path = owner.ids || !existsSync(given) ? given : realpathSync(given);
  const directory = dirname(path);
  if (!existsSync(directory)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (owner.ids) chownSync(directory, owner.ids.uid, owner.ids.gid);
  }
  const lock = `${path}.lock`;
  await takeLock(lock);
  try {
    const before = existsSync(path) ? readDocument(path) : {};
    const ids = owner.ids ?? (existsSync(path) ? { uid: statSync(path).uid, gid: statSync(path).gid } : undefined);
    writeFileAtomically(path, dump(edit(before), { lineWidth: -1 }), { mode: 0o600, ...(ids && { owner: ids }) });
  } finally {
    rmSync(lock, { force: true });
  }
  return path;
}

/** The file's document; an empty file is an empty one. */
function readDocument(path: string): KubeconfigDocument {
  return (loadAll(readFileSync(path, 'utf8'))[0] as KubeconfigDocument | null | undefined) ?? {};
}

/** A lock of somebody who died is in the way forever upstream; here it is told from a live one by its age. */
const staleLockMs = 10_000;
/** How long somebody who writes the file right now is waited for. */
const patienceMs = 3000;
const pollMs = 20;
const never = new AbortController().signal;

async function takeLock(lock: string): Promise<void> {
  const giveUpAt = systemClock.monotonic() + patienceMs;
  for (;;) {
    const stat = statSync(lock, { throwIfNoEntry: false });
    if (stat && systemClock.now() - stat.mtimeMs > staleLockMs) rmSync(lock, { force: true });
    try {
      closeSync(openSync(lock, 'wx', 0o600));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (systemClock.monotonic() > giveUpAt)
        throw new ClusterError(`another program is writing the kubeconfig right now (${lock} exists); try again`, { cause: error });
    }
    await systemClock.sleep(pollMs, never);
  }
}
