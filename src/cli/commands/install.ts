/** `knarr install`: installs the programs that a node (or the tests) need and that are missing. */
import { Option } from 'commander';
import { ingressRequirements, knarrHome, type Requirement, requirements } from '../../cluster/index.ts';
import { installMissing } from '../../cluster/lifecycle/index.ts';
import type { Subcommand } from '../subcommand.ts';

/** What only the tests use. */
const testRequirements: readonly Requirement[] = [
  { program: 'strace', package: 'strace', purpose: 'delays and fails disk writes on purpose' },
  { program: 'openssl', package: 'openssl', purpose: 'verifies certificates from outside' },
  { program: 'kubectl', package: 'kubernetes-client', purpose: 'an old client' },
];

export const installCommand: Subcommand = (command, context) => {
  command
    .addOption(new Option('--for <purpose>', 'what to install for').choices(['node', 'ingress', 'tests']).default('node'))
    .action(async ({ for: purpose }: { readonly for: 'node' | 'ingress' | 'tests' }) => {
      const extra = { node: [], ingress: ingressRequirements, tests: [...ingressRequirements, ...testRequirements] }[purpose];
      const needed = [...requirements, ...extra];
      await installMissing({ home: knarrHome(context.env), needed, signal: context.signal, say: context.say });
    });
};
