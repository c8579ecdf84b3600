/**
 * Commands that run one component of upstream's in this process, with the flags of the original: the component's own table reads them, so
 * that this file knows none.
 */
import { type FlagTable, type GivenFlags, readFlagWords } from '../api/flags/index.ts';
import { createLogger, isAbort, type Logger } from '../base/index.ts';
import { ClusterError } from '../cluster/index.ts';
import type { Subcommand } from './subcommand.ts';

export interface ComponentProgram<Values extends { readonly v?: number }> {
  /** As in the command line and the logs. */
  readonly name: string;
  readonly table: FlagTable;
  readonly read: (given: GivenFlags) => { readonly values: Values; readonly faults: readonly string[] };
  /** Runs until the signal aborts. @throws a named error when it cannot */
  readonly run: (flags: Values, context: { readonly log: Logger; readonly signal: AbortSignal }) => Promise<void>;
}

/** From this verbosity on, upstream's components tell what is for those who look for a fault. */
const debugVerbosity = 4;

/** @param load of the component's code, which the help of other commands does not pay for */
export function componentCommand<Values extends { readonly v?: number }>(load: () => Promise<ComponentProgram<Values>>): Subcommand {
  return (command, context) => {
    command.helpOption(false).allowUnknownOption().allowExcessArguments().argument('[flags...]');
    command.action(async (words: readonly string[]) => {
      const { name, table, read, run } = await load();
      if (words.includes('--help') || words.includes('-h')) {
        context.print(
          [
            `knarr ${name} takes these flags:`,
            ...Object.keys(table)
              .toSorted()
              .map((flag) => `  --${flag}`),
          ].join('\n'),
        );
        return;
      }
      const { given, faults } = readFlagWords(table, words);
      const { values, faults: more } = read(given);
      if (faults.length + more.length > 0) throw new ClusterError([`knarr ${name}:`, ...faults, ...more].join('\n  '));
      const log = createLogger({ component: name, level: (values.v ?? 0) >= debugVerbosity ? 'debug' : 'info' });
      try {
        await run(values, { log, signal: context.signal });
      } catch (error) {
        if (isAbort(error, context.signal)) return;
        if (error instanceof Error && error.name === 'ComponentError')
          throw new ClusterError(`${name}: ${error.message}`, { cause: error });
        throw error;
      }
    });
  };
}
