/** `knarr image build|load|ls|rm`: images in the engines of all nodes. */
import { type Command, InvalidArgumentError } from 'commander';
import { ClusterError } from '../../cluster/index.ts';
import { buildImage, listImages, loadImage, removeImage } from '../../cluster/images/index.ts';
import { isUp } from '../../cluster/lifecycle/index.ts';
import { type CommandContext, enginesOf, requireCluster, type Subcommand, withName } from '../subcommand.ts';
import { columns } from './status.ts';

interface BuildFlags {
  readonly name: string;
  readonly tag: string;
  readonly entrypoint?: string;
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly from?: string;
}

export const imageCommand: Subcommand = (command, context) => {
  defineBuild(command.command('build <directory>').description('make an image of a directory; no Dockerfile, no daemon'), context);
  withName(command.command('load <source>'))
    .description('load an OCI or Docker archive, or an image that Docker or Podman on this machine has')
    .action(async (source: string, { name }: { readonly name: string }) => {
      const from = await loadImage(runningEngines(name, context), source, context);
      context.say(`loaded ${source}${from === source ? '' : ` from ${from}`}`);
    });
  withName(command.command('ls'))
    .description('list the images')
    .action(async ({ name }: { readonly name: string }) => {
      const images = await listImages(runningEngines(name, context), context);
      for (const line of columns([
        ['IMAGE', 'ID', 'SIZE'],
        ...images.map((image) => [image.name, image.id.replace('sha256:', '').slice(0, 12), `${(image.sizeBytes / 1e6).toFixed(1)} MB`]),
      ]))
        context.print(line);
    });
  withName(command.command('rm <image>'))
    .description('remove an image')
    .action(async (image: string, { name }: { readonly name: string }) => {
      await removeImage(runningEngines(name, context), image, context);
      context.say(`removed ${image}`);
    });
};

function defineBuild(command: Command, context: CommandContext): void {
  const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
  const collectVariable = (value: string, before?: readonly string[]): string[] => {
    if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError('give it as NAME=VALUE');
    return collect(value, before);
  };
  withName(command)
    .requiredOption('-t, --tag <image>', 'name of the image')
    .option('--entrypoint <program>', 'program that a container runs')
    .option('--cmd <argument>', 'its argument; may be repeated', collect)
    .option('--env <name=value>', 'environment variable; may be repeated', collectVariable)
    .option('--user <user>', 'user that it runs as')
    .option('--workdir <directory>', 'directory that it starts in')
    .option('--from <image>', 'image to build on; it must be in the engine')
    .action(async (directory: string, flags: BuildFlags) => {
      const settings = {
        ...(flags.entrypoint && { entrypoint: [flags.entrypoint] }),
        ...(flags.cmd && { cmd: flags.cmd }),
        ...(flags.env && { env: flags.env }),
        ...(flags.user && { user: flags.user }),
        ...(flags.workdir && { workdir: flags.workdir }),
      };
      const built = await buildImage(
        runningEngines(flags.name, context),
        { image: flags.tag, directory, settings, ...(flags.from && { from: flags.from }) },
        context,
      );
      context.say(`built ${built}`);
    });
}

function runningEngines(name: string, { env }: CommandContext): ReturnType<typeof enginesOf> {
  const cluster = requireCluster(name, env);
  if (!isUp(cluster.paths)) throw new ClusterError(`cluster "${name}" is stopped; images live in its engine: knarr up --name ${name}`);
  return enginesOf(cluster);
}
