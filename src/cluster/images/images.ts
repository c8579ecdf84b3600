/**
 * Images in the engines of a cluster's nodes: built from a directory, loaded from a file or from a Docker or Podman of this machine.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ctx, ProcessError, run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { findProgram } from '../engine/programs.ts';
import { fullImageName } from './image-reference.ts';
import { buildLayout, type ImageSettings, packLayout } from './oci-layout.ts';

/** An engine to put images into: its socket, and where `ctr` is looked for. */
export interface EngineAddress {
  readonly criSocket: string;
  readonly home: string;
}

/** The namespace in which the kubelet's images live. */
const imageNamespace = 'k8s.io';

function ctr(engine: EngineAddress, ...args: string[]): [string, ...string[]] {
  const program = findProgram('ctr', engine.home);
  if (!program) throw new ClusterError('ctr, which comes with containerd, is not installed');
  return [program, '-a', engine.criSocket, '-n', imageNamespace, ...args];
}

/** Imports an OCI or Docker archive. @throws ClusterError with the engine's words when it cannot */
export async function importArchive(engines: readonly EngineAddress[], file: string, ctx: Ctx): Promise<void> {
  for (const engine of engines) {
    try {
      await run(ctr(engine, 'images', 'import', file), { signal: ctx.signal });
    } catch (error) {
      if (error instanceof ProcessError)
        throw new ClusterError(`cannot load ${file}: ${error.stderr.trim().replace(/^ctr: /, '')}`, { cause: error });
      throw error;
    }
  }
}

/** Loads `source`: a file, or the name of an image that Docker or Podman on this machine has. Returns where it came from. */
export async function loadImage(engines: readonly EngineAddress[], source: string, ctx: Ctx): Promise<string> {
  if (existsSync(source)) {
    await importArchive(engines, source, ctx);
    return source;
  }
  if (source.includes('.tar') || source.startsWith('/') || source.startsWith('./')) throw new ClusterError(`no such file: ${source}`);
  return inScratch(async (scratch) => {
    const archive = join(scratch, 'image.tar');
    const faults: string[] = [];
    for (const tool of ['docker', 'podman']) {
      const program = findProgram(tool, engines[0]?.home ?? '');
      if (!program) continue;
      try {
        await run([program, 'save', '-o', archive, source], { signal: ctx.signal });
        await importArchive(engines, archive, ctx);
        return tool;
      } catch (error) {
        if (!(error instanceof ProcessError)) throw error;
        faults.push(`${tool}: ${error.stderr.trim()}`);
      }
    }
    throw new ClusterError(
      `no file ${source}, and no Docker or Podman here has an image of that name${faults.length > 0 ? `\n${faults.join('\n')}` : ''}`,
    );
  });
}

/** Builds an image from `directory` and puts it into every engine. Returns its full name. */
export async function buildImage(
  engines: readonly EngineAddress[],
  build: { readonly image: string; readonly directory: string; readonly settings: ImageSettings; readonly from?: string },
  ctx: Ctx,
): Promise<string> {
  return inScratch(async (scratch) => {
    const layout = join(scratch, 'layout');
    const baseLayout = build.from === undefined ? undefined : await exportBase(engines, build.from, scratch, ctx);
    await buildLayout({
      layout,
      image: build.image,
      directory: build.directory,
      settings: build.settings,
      ...(baseLayout && { baseLayout }),
      signal: ctx.signal,
    });
    const archive = join(scratch, 'image.tar');
    await packLayout(layout, archive, ctx.signal);
    await importArchive(engines, archive, ctx);
    return fullImageName(build.image);
  });
}

/** Writes images of an engine, with all their layers, into one archive. @throws ProcessError */
export async function exportImages(engine: EngineAddress, images: readonly string[], archive: string, { signal }: Ctx): Promise<void> {
  await run(ctr(engine, 'images', 'export', archive, ...images), { signal });
}

async function exportBase(engines: readonly EngineAddress[], from: string, scratch: string, ctx: Ctx): Promise<string> {
  const [engine] = engines;
  if (!engine) throw new ClusterError('a base image needs a running node to take it from');
  const archive = join(scratch, 'base.tar');
  const baseLayout = join(scratch, 'base');
  mkdirSync(baseLayout);
  try {
    await exportImages(engine, [fullImageName(from)], archive, ctx);
  } catch (error) {
    if (error instanceof ProcessError)
      throw new ClusterError(`the base image ${from} is not in the engine: ${error.stderr.trim()}`, { cause: error });
    throw error;
  }
  await run(['tar', '-C', baseLayout, '-xf', archive, 'index.json', 'blobs'], { signal: ctx.signal });
  return baseLayout;
}

export interface ListedImage {
  readonly name: string;
  /** Digest of the image's configuration or manifest, as the engine knows it. */
  readonly id: string;
  readonly sizeBytes: number;
}

/** Named images of the first engine; every engine is given the same. */
export async function listImages(engines: readonly EngineAddress[], ctx: Ctx): Promise<ListedImage[]> {
  const [engine] = engines;
  if (!engine) return [];
  const { stdout } = await run(ctr(engine, 'images', 'ls'), { signal: ctx.signal });
  // REF TYPE DIGEST SIZE(number unit) PLATFORMS LABELS; names by digest alone are the engine's own business.
  return stdout
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [name = '', , id = '', size = '0', unit = 'B'] = line.trim().split(/\s+/);
      return name === '' || name.startsWith('sha256:') ? [] : [{ name, id, sizeBytes: Math.round(Number(size) * (unitBytes[unit] ?? 1)) }];
    });
}

const unitBytes: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, kB: 1e3, MB: 1e6, GB: 1e9 };

/** @throws ClusterError when no engine has the image */
export async function removeImage(engines: readonly EngineAddress[], image: string, ctx: Ctx): Promise<void> {
  const name = fullImageName(image);
  const known = await listImages(engines, ctx);
  if (!known.some((each) => each.name === name)) throw new ClusterError(`there is no image ${name}`);
  for (const engine of engines) await run(ctr(engine, 'images', 'rm', '--sync', name), { signal: ctx.signal });
}

/** Runs `work` with a private directory that is gone afterwards. */
export async function inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'knarr-image-'));
  try {
    return await work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
