/** `knarr explain-scheduling pod/NAME`: why a pod waits, node by node and plugin by plugin, and what would make it fit. */
import { Option } from 'commander';
import { isApiError, type SchedulingExplanation, schedulingKnarrResources, type SchedulingRejection } from '../../api/index.ts';
import { systemClock, systemRandom } from '../../base/index.ts';
import { createClient } from '../../client/index.ts';
import { ClusterError } from '../../cluster/index.ts';
import { connectByKubeconfig } from '../../controlplane/component/index.ts';
import { type CommandContext, requireCluster, type Subcommand, withName } from '../subcommand.ts';
import { columns } from './status.ts';

interface Options {
  readonly name: string;
  readonly namespace: string;
  readonly kubeconfig?: string;
  readonly output?: 'json' | 'yaml';
  readonly all?: true;
}

export const explainSchedulingCommand: Subcommand = (command, context) => {
  withName(command)
    .argument('<pod>', 'name of the pod, with or without pod/ before it')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('--kubeconfig <file>', 'how to reach the cluster; default: as its administrator')
    .option('--all', 'show every node; default: the first twenty')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['json', 'yaml']))
    .action(async (pod: string, options: Options) => {
      const explanation = await ask(pod.replace(/^pods?\//, ''), options, context);
      if (options.output === 'json') context.print(JSON.stringify(explanation, null, 2));
      else if (options.output === 'yaml') context.print((await import('js-yaml')).dump(explanation).trimEnd());
      else for (const line of describeExplanation(explanation, options.all ? undefined : 20)) context.print(line);
    });
};

async function ask(pod: string, { name, namespace, kubeconfig }: Options, context: CommandContext): Promise<SchedulingExplanation> {
  const file = kubeconfig ?? requireCluster(name, context.env).paths.adminKubeconfig;
  const connect = connectByKubeconfig(file, { clock: systemClock, random: systemRandom, log: context.log });
  const transport = connect({ userAgent: 'knarr-explain-scheduling' });
  try {
    return await createClient(transport).get(schedulingKnarrResources.schedulingExplanations, { namespace, name: pod }, context);
  } catch (error) {
    if (isApiError(error)) throw new ClusterError(error.message);
    throw error;
  } finally {
    await transport.close();
  }
}

/** What people read, line by line. Pure. @param maxNodes undefined: all */
export function describeExplanation(explanation: SchedulingExplanation, maxNodes: number | undefined): string[] {
  const { metadata, verdict, message, nominatedNodeName, rejections = [], nodes } = explanation;
  const lines = [`pod ${metadata.namespace}/${metadata.name}: ${verdictWords[verdict]}`, `  ${message}`];
  if (nominatedNodeName !== undefined) lines.push(`  room is being made on node ${nominatedNodeName}`);
  for (const rejection of rejections) lines.push(`  ${rejectionText(rejection)}`);
  const shown = nodes.slice(0, maxNodes ?? nodes.length);
  if (shown.length > 0) {
    const rows = shown.flatMap(({ name, fits, score, scores = [], rejections: why = [], preemption }) => {
      if (fits) return [[name, 'yes', `score ${score}`, scores.map((each) => `${each.plugin} ${each.score}×${each.weight}`).join(', ')]];
      const kept = why.map(({ plugin, reasons, advice = [] }, i) => [
        i === 0 ? name : '',
        i === 0 ? 'no' : '',
        `${plugin}: ${reasons.join(', ')}`,
        advice.join('; '),
      ]);
      if (!preemption) return kept;
      const budgets = preemption.violatedBudgets > 0 ? ` (breaks ${preemption.violatedBudgets} disruption budgets)` : '';
      return [...kept, ['', '', '', `or evict pods of lower priority: ${preemption.victims.join(', ')}${budgets}`]];
    });
    lines.push('', ...columns([['NODE', 'FITS', 'WHY', 'WHAT WOULD MAKE IT FIT'], ...rows]));
  }
  if (shown.length < nodes.length) lines.push('', `${nodes.length - shown.length} more nodes: --all shows them`);
  return lines;
}

const verdictWords: Readonly<Record<SchedulingExplanation['verdict'], string>> = {
  Scheduled: 'has its node',
  Gated: 'is kept out of the queue',
  Fits: 'fits',
  DoesNotFit: 'fits nowhere',
};

function rejectionText({ plugin, reasons, advice = [] }: SchedulingRejection): string {
  return `${plugin}: ${reasons.join(', ')}${advice.length > 0 ? ` (${advice.join('; ')})` : ''}`;
}
