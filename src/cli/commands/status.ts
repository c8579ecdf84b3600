/** `knarr status`: a table for people, JSON for programs. Exit code 1 while something does not run that should. */
import { Option } from 'commander';
import { knarrHome } from '../../cluster/index.ts';
import { clusterStatus, type ClusterStatus } from '../../cluster/lifecycle/index.ts';
import { requireCluster, type Subcommand, withName } from '../subcommand.ts';

export const statusCommand: Subcommand = (command, context) => {
  withName(command)
    .addOption(new Option('-o, --output <format>', 'output format').choices(['json']))
    .action(async ({ name, output }: { readonly name: string; readonly output?: 'json' }) => {
      requireCluster(name, context.env);
      const status = await clusterStatus({ home: knarrHome(context.env), name }, context);
      if (output === 'json') context.print(JSON.stringify(status, null, 2));
      else for (const line of describeStatus(status)) context.print(line);
      const whole = isWhole(status);
      if (!whole) process.exitCode = 1;
    });
};

/** Whether all runs that is meant to run. Pure. */
export function isWhole({ components, nodes }: ClusterStatus): boolean {
  return components.every(({ ready, off }) => ready || off) && nodes.every(({ ready, off }) => ready || off);
}

/** The table, line by line. Pure. */
export function describeStatus(status: ClusterStatus): string[] {
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
  const components = status.components.map(({ name, pid, rssBytes, version, ready, off }) => [
    name,
    pid === null ? '-' : String(pid),
    pid === null ? '-' : mebibytes(rssBytes),
    version || '-',
    readyWord({ ready, off }),
  ]);
  const nodes = status.nodes.map(({ name, ip, ready, off, conditions }) => [
    name,
    ip,
    readyWord({ ready, off }),
    conditions
      .filter((each) => each.status === 'True')
      .map(({ type }) => type)
      .join(',') || '-',
  ]);
  return [
    `cluster ${status.name}: ${status.running ? 'running' : 'stopped'}, ${status.server}`,
    '',
    ...columns([['COMPONENT', 'PID', 'MEMORY', 'VERSION', 'READY'], ...components]),
    '',
    ...columns([['NODE', 'ADDRESS', 'READY', 'TRUE CONDITIONS'], ...nodes]),
  ];
}

/** How a node or what runs for it is told of. Pure. */
export function readyWord({ ready, off }: { readonly ready: boolean; readonly off: boolean }): string {
  if (off) return 'off';
  return ready ? 'yes' : 'no';
}

/** Rows with their cells aligned, three spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('   ')
      .trimEnd(),
  );
}
