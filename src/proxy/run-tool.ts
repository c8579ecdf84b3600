/** How the proxy runs `nft` and `conntrack`: in the network namespace of its own process, or in another that is entered first. */
import { run } from '../base/index.ts';

export type RunTool = typeof run;

/** @param enter a command that runs the rest in another namespace, such as `nsenter --net=PATH` */
export function runToolIn(enter: readonly string[]): RunTool {
  const [program, ...rest] = enter;
  return program === undefined ? run : (command, options) => run([program, ...rest, ...command], options);
}
