/** `knarr down` and `knarr delete`. */
import { systemClock } from '../../base/index.ts';
import { knarrHome } from '../../cluster/index.ts';
import { deleteCluster, down } from '../../cluster/lifecycle/index.ts';
import { type Subcommand, withName } from '../subcommand.ts';

export const downCommand: Subcommand = (command, context) => {
  withName(command).action(async ({ name }: { readonly name: string }) => {
    await down({ home: knarrHome(context.env), name, clock: systemClock, say: context.say }, context);
    context.say(`cluster ${name} is stopped; its state stays (knarr delete removes it)`);
  });
};

export const deleteCommand: Subcommand = (command, context) => {
  withName(command).action(async ({ name }: { readonly name: string }) => {
    await deleteCluster({ home: knarrHome(context.env), name, clock: systemClock, env: context.env, say: context.say }, context);
    context.say(`cluster ${name} is deleted`);
  });
};
