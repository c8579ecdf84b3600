import { describe, expect, test } from 'vitest';
import { controllerChoiceFaults, isChosen } from './choice.ts';
import type { ControllerName } from './controller-names.ts';

describe('--controllers', () => {
  test.each<[string, ControllerName, boolean]>([
    ['*', 'deployment-controller', true],
    ['*', 'token-cleaner-controller', false],
    ['*,token-cleaner-controller', 'token-cleaner-controller', true],
    ['*,tokencleaner', 'token-cleaner-controller', true],
    ['*,-deployment-controller', 'deployment-controller', false],
    ['*,-deployment', 'deployment-controller', false],
    ['-deployment,*', 'deployment-controller', false],
    ['deployment,-deployment', 'deployment-controller', true],
    ['deployment', 'replicaset-controller', false],
    ['-deployment', 'replicaset-controller', false],
    ['', 'deployment-controller', false],
  ])('%s: %s runs: %s', (words, name, chosen) => {
    expect(isChosen(name, words.split(','))).toBe(chosen);
  });

  test.each<[string, string[]]>([
    ['*,-deployment,job', []],
    ['*,foo', ['"foo" is not in the list of known controllers']],
    ['-bar, deployment', ['"bar" is not in the list of known controllers', '" deployment" is not in the list of known controllers']],
    ['-attachdetach', []],
    ['attachdetach', ['"attachdetach" is not supported: the controller is not built']],
  ])('%s: what is wrong', (words, faults) => {
    expect(controllerChoiceFaults(words.split(','), (name) => name !== 'persistentvolume-attach-detach-controller')).toEqual(faults);
  });
});
