/**
 * `--controllers`: which controllers run. The first word about a controller counts, `*` stands for those that run by default.
 * @source controller-manager options (validation), cloud-provider app/core.go IsControllerEnabled, v1.35
 */
import { type ControllerName, controllerNamed, isOffByDefault } from './controller-names.ts';

/** Whether the words choose the controller. Words that name none are passed over: `controllerChoiceFaults` tells of them. */
export function isChosen(name: ControllerName, words: readonly string[]): boolean {
  for (const word of words) {
    if (controllerNamed(word) === name) return true;
    if (word.startsWith('-') && controllerNamed(word.slice(1)) === name) return false;
  }
  return words.includes('*') && !isOffByDefault(name);
}

/** What is wrong with the words: names of no controller, and of such as are not built when they are asked for. */
export function controllerChoiceFaults(words: readonly string[], isBuilt: (name: ControllerName) => boolean): string[] {
  return words.flatMap((word) => {
    if (word === '*') return [];
    const off = word.startsWith('-');
    const named = controllerNamed(off ? word.slice(1) : word);
    if (!named) return [`"${off ? word.slice(1) : word}" is not in the list of known controllers`];
    return off || isBuilt(named) ? [] : [`"${word}" is not supported: the controller is not built`];
  });
}
