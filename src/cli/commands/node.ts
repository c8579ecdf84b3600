/** `knarr node add|delete|stop|start|list`: the nodes of a cluster of this machine. */
import { InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../base/index.ts';
import { knarrHome } from '../../cluster/index.ts';
import { addNode, type ClusterStatus, clusterStatus, deleteNode, startNode, stopNode } from '../../cluster/lifecycle/index.ts';
import { requireCluster, type Subcommand, withName } from '../subcommand.ts';
import { columns, readyWord } from './status.ts';

interface Flags {
  readonly name: string;
}

export const nodeCommand: Subcommand = (command, context) => {
  const options = (name: string) => ({ home: knarrHome(context.env), name, clock: systemClock, say: context.say });
  withName(command.command('add [node]'))
    .description("add a node; default name: the cluster's with a number")
    .action(async (node: string | undefined, { name }: Flags) => {
      const added = await addNode({ ...options(name), ...(node !== undefined && { node }) }, context);
      context.say(`node ${added} is added`);
    });
  withName(command.command('delete <node>'))
    .description('let its pods leave, then remove the node and all that was kept of it, local volumes too')
    .option('--timeout <seconds>', 'how long pods may take to leave; those that are left end with the node', parseSeconds, 60)
    .action(async (node: string, { name, timeout }: Flags & { readonly timeout: number }) => {
      await deleteNode({ ...options(name), node, drainLimitMs: timeout * 1000 }, context);
      context.say(`node ${node} is deleted`);
    });
  withName(command.command('stop <node>'))
    .description('switch it off as if it lost power; it stays off until `knarr node start`, or `knarr up` of the stopped cluster')
    .action(async (node: string, { name }: Flags) => {
      await stopNode({ ...options(name), node }, context);
      context.say(`node ${node} is off`);
    });
  withName(command.command('start <node>'))
    .description('switch it on again')
    .action(async (node: string, { name }: Flags) => {
      await startNode({ ...options(name), node }, context);
      context.say(`node ${node} is Ready`);
    });
  withName(command.command('list'))
    .alias('ls')
    .description('list the nodes')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['json']))
    .action(async ({ name, output }: Flags & { readonly output?: 'json' }) => {
      requireCluster(name, context.env);
      const { nodes } = await clusterStatus({ home: knarrHome(context.env), name }, context);
      if (output === 'json') context.print(JSON.stringify(nodes, null, 2));
      else for (const line of describeNodes(nodes)) context.print(line);
    });
};

/** The table, line by line. Pure. */
export function describeNodes(nodes: ClusterStatus['nodes']): string[] {
  const anothers = nodes.some(({ cniDirectory }) => cniDirectory !== null);
  return columns([
    ['NODE', 'ADDRESS', 'READY', ...(anothers ? ['CNI DIRECTORY'] : [])],
    ...nodes.map((node) => [node.name, node.ip, readyWord(node), ...(anothers ? [node.cniDirectory ?? ''] : [])]),
  ]);
}

export function parseSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('give whole seconds');
  return Number(text);
}
