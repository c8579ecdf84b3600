/**
 * Images as an OCI layout: a directory of blobs named by digest, an index that names the image. Built here from a directory and a few
 * settings, without a daemon, a Dockerfile or a registry.
 * @source OCI image specification 1.0: image layout, manifest and configuration
 */
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../base/index.ts';
import { ClusterError } from '../cluster-error.ts';
import { fullImageName } from './image-reference.ts';

/** How a container of the image starts; what is left out is taken from the base image. */
export interface ImageSettings {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `NAME=value` each. */
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly config?: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Env?: readonly string[];
    readonly User?: string;
    readonly WorkingDir?: string;
  };
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';
const indexType = 'application/vnd.oci.image.index.v1+json';
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface BuildOptions {
  /** Empty directory to build in. */
  readonly layout: string;
  readonly image: string;
  /** Directory that becomes the layer. */
  readonly directory: string;
  readonly settings: ImageSettings;
  /** An OCI layout of the base image (unpacked). */
  readonly baseLayout?: string;
  readonly signal: AbortSignal;
}

/** Builds the layout; the same directory and settings give the same bytes. */
export async function buildLayout(options: BuildOptions): Promise<void> {
  const { layout, signal } = options;
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const base = options.baseLayout === undefined ? undefined : readBase(options.baseLayout, layout);
  const layer = await addLayer(layout, options.directory, signal);
  const config = imageConfig(options.settings, base?.config, layer.digest);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: addJson(layout, configType, config),
    layers: [...(base?.manifest.layers ?? []), layer],
  };
  const name = fullImageName(options.image);
  const tag = /:([^:/@]+)(?:@|$)/.exec(name)?.[1] ?? 'latest';
  const entry = {
    ...addJson(layout, manifestType, manifest),
    annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag },
  };
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [entry] }));
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

/** Packs a layout into the tar that engines import. */
export async function packLayout(layout: string, file: string, signal: AbortSignal): Promise<void> {
  await run(['tar', '-C', layout, '-cf', file, 'oci-layout', 'index.json', 'blobs'], { signal });
}

/** The new image's configuration over the base's. A new entrypoint forgets the base's arguments, as everywhere. */
function imageConfig(settings: ImageSettings, base: ImageConfig | undefined, diffId: string): ImageConfig {
  const env = [...(base?.config?.Env ?? [defaultPath])];
  for (const setting of settings.env ?? []) {
    const name = setting.slice(0, setting.indexOf('=') + 1);
    const at = env.findIndex((each) => each.startsWith(name));
    if (at < 0) env.push(setting);
    else env[at] = setting;
  }
  const entrypoint = settings.entrypoint ?? base?.config?.Entrypoint;
  const cmd = settings.cmd ?? (settings.entrypoint ? undefined : base?.config?.Cmd);
  const user = settings.user ?? base?.config?.User;
  const workdir = settings.workdir ?? base?.config?.WorkingDir;
  return {
    architecture: base?.architecture ?? architectures[process.arch] ?? process.arch,
    os: 'linux',
    config: {
      Env: env,
      ...(entrypoint && { Entrypoint: entrypoint }),
      ...(cmd && { Cmd: cmd }),
      ...(user && { User: user }),
      ...(workdir && { WorkingDir: workdir }),
    },
    rootfs: { type: 'layers', diff_ids: [...(base?.rootfs.diff_ids ?? []), diffId] },
  };
}

async function addLayer(layout: string, directory: string, signal: AbortSignal): Promise<Descriptor> {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw new ClusterError(`not a directory: ${directory}`);
  const file = join(layout, 'layer.tar');
  await run(
    [
      'tar',
      '-C',
      directory,
      '--sort=name',
      '--mtime=@0',
      '--numeric-owner',
      '--format=pax',
      '--pax-option=delete=atime,delete=ctime',
      '-cf',
      file,
      '--null',
      '--verbatim-files-from',
      '--files-from=-',
    ],
    // The directory itself is left out: its mode (0700 when it was made for the purpose) must not become that of the image's root.
    { signal, input: readdirSync(directory).toSorted().join('\0') },
  );
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const digest = hash.digest('hex');
  const { size } = statSync(file);
  renameSync(file, join(layout, 'blobs/sha256', digest));
  return { mediaType: layerType, digest: `sha256:${digest}`, size };
}

function addJson(layout: string, mediaType: string, value: unknown): Descriptor {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(layout, 'blobs/sha256', digest), bytes);
  return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
}

/** Reads a base image's manifest for this machine and takes its layers over. */
function readBase(baseLayout: string, layout: string): { manifest: Manifest; config: ImageConfig } {
  const blob = (digest: string): string => {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (!hex) throw new ClusterError(`the base image has a digest that is none: ${digest}`);
    return join(baseLayout, 'blobs/sha256', hex);
  };
  const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  type Entry = Descriptor & { readonly platform?: { readonly architecture: string; readonly os: string } };
  let entries = (readJson(join(baseLayout, 'index.json')) as { manifests: Entry[] }).manifests;
  let entry = entries[0];
  while (entry && /index|manifest\.list/.test(entry.mediaType)) {
    entries = (readJson(blob(entry.digest)) as { manifests: Entry[] }).manifests;
    entry = entries.find(({ platform }) => platform?.os === 'linux' && platform.architecture === architectures[process.arch]);
  }
  if (!entry) throw new ClusterError('the base image has no manifest for this machine');
  const manifest = readJson(blob(entry.digest)) as Manifest;
  for (const { digest } of manifest.layers) copyFileSync(blob(digest), join(layout, 'blobs/sha256', digest.slice('sha256:'.length)));
  return { manifest, config: readJson(blob(manifest.config.digest)) as ImageConfig };
}
