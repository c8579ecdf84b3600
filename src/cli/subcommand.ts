/** What a subcommand is: a function that defines its options and action on a parser it is given. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  ClusterError,
  clusterNameFault,
  type ClusterRecord,
  clusterPaths,
  type ClusterPaths,
  knarrHome,
  nodePaths,
  nodesOn,
  readClusterRecord,
} from '../cluster/index.ts';
import type { Ctx } from '../base/index.ts';

export interface CommandContext extends Ctx {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line for whoever reads the output: standard output. */
  readonly print: (line: string) => void;
  /** A line of progress or fault: standard error. */
  readonly say: (line: string) => void;
}

export type Subcommand = (command: Command, context: CommandContext) => void;

export const defaultClusterName = 'knarr';

/** Adds `--name`, which every command has. */
export function withName(command: Command): Command {
  return command.option('--name <name>', 'name of the cluster', parseName, defaultClusterName);
}

/** A name stands in paths that are removed, so it is looked at before anything else. */
function parseName(name: string): string {
  const fault = clusterNameFault(name);
  if (fault) throw new InvalidArgumentError(fault);
  return name;
}

/** The cluster a command is about. @throws ClusterError when there is none of that name */
export function requireCluster(
  name: string,
  env: CommandContext['env'],
): { readonly home: string; readonly paths: ClusterPaths; readonly record: ClusterRecord } {
  const fault = clusterNameFault(name);
  if (fault) throw new ClusterError(fault);
  const home = knarrHome(env);
  const paths = clusterPaths(home, name);
  const record = readClusterRecord(paths);
  if (!record)
    throw new ClusterError(
      `there is no cluster "${name}"; start one with: knarr up${name === defaultClusterName ? '' : ` --name ${name}`}`,
    );
  return { home, paths, record };
}

/** The engines of all nodes that are switched on. */
export function enginesOf(cluster: ReturnType<typeof requireCluster>): { readonly criSocket: string; readonly home: string }[] {
  return nodesOn(cluster.record, cluster.paths).map(({ index }) => ({
    criSocket: nodePaths(cluster.paths, index).criSocket,
    home: cluster.home,
  }));
}
