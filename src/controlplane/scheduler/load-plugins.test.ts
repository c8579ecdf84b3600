import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/index.ts';
import type { FrameworkHandle } from '../../scheduler/index.ts';
import { loadPlugins } from './load-plugins.ts';
import { schedulerFileFaults, schedulerSettings } from './settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-plugins-'));
afterAll(() => rmSync(directory, { recursive: true }));
const example = (name: string): string => fileURLToPath(new URL(`../../../examples/scheduler-plugin/${name}`, import.meta.url));
// Factories under test take nothing of it.
const handle = { log: { info: () => {} } } as unknown as FrameworkHandle;
let files = 0;

/** Loads a module of that text and makes its plugin; says what was wrong. */
async function refusal(text: string): Promise<string> {
  const path = join(directory, `plugin-${files++}.mjs`);
  writeFileSync(path, text);
  try {
    for (const factory of await loadPlugins([path])) factory.create(factory.defaultArgs?.({}), handle);
    return 'taken';
  } catch (error) {
    return (error as Error).message.replace(`plugin ${path}: `, '');
  }
}

describe('a module is refused when', () => {
  test.each<[string, string, string]>([
    ['it cannot be read as a module', 'export const = 1;', 'it cannot be loaded: '],
    ['it throws', 'throw new Error("no luck");', 'it cannot be loaded: no luck'],
    ['it exports no factory', 'export const other = 1;', 'it must export `plugin`, a factory { name, create(args, handle) }, or `plugins`'],
    ['its factory is no object', 'export const plugin = 1;', 'a factory must be an object, not number'],
    ['the factory has no name', 'export const plugin = { create() {} };', 'the factory has no `name`'],
    ['the factory makes nothing', 'export const plugin = { name: "A" };', 'factory "A" has no function `create`'],
    ['making it throws', 'export const plugin = { name: "A", create() { throw new Error("no disk"); } };', 'factory "A" threw: no disk'],
    ['what is made is no object', 'export const plugin = { name: "A", create: () => 7 };', 'plugin "A": create must return an object'],
    ['the plugin has another name', 'export const plugin = { name: "A", create: () => ({ name: "B" }) };', 'plugin "A" calls itself "B"'],
    [
      'a point is no function',
      'export const plugin = { name: "A", create: () => ({ name: "A", filter: true }) };',
      '`filter` of plugin "A" must be a function',
    ],
    [
      'it takes part nowhere',
      'export const plugin = { name: "A", create: () => ({ name: "A" }) };',
      'plugin "A" takes part at no extension point',
    ],
  ])('%s', async (_name, text, message) => {
    expect(await refusal(text)).toContain(message);
  });

  test('two have one name', async () => {
    const path = example('quiet-nodes.js');
    await expect(loadPlugins([path, path])).rejects.toThrow('there is a plugin "QuietNodes" already');
  });
});

test('a module may export several factories', async () => {
  expect(
    await refusal(
      'const make = (name) => ({ name, create: () => ({ name, filter() {} }) }); export const plugins = [make("A"), make("B")];',
    ),
  ).toBe('taken');
});

test('the example and its configuration are taken', async () => {
  const { options } = await schedulerSettings({ config: example('config.yaml'), plugin: [example('quiet-nodes.js')] }, systemClock);
  expect(options.plugins?.map(({ name }) => name)).toEqual(['QuietNodes']);
  expect(options.configuration?.profiles[0]?.plugins.multiPoint.enabled).toContainEqual({ name: 'QuietNodes', weight: 2 });
});

test('without a configuration a plugin takes part wherever it can', async () => {
  const { options } = await schedulerSettings({ plugin: [example('quiet-nodes.js')] }, systemClock);
  expect(options.configuration?.profiles[0]?.plugins.multiPoint.enabled.at(-1)).toEqual({ name: 'QuietNodes', weight: 0 });
});

test('every fault of a configuration is named, with its file', async () => {
  const path = join(directory, 'config.yaml');
  writeFileSync(path, 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nparallelism: 0\nfoo: 1\n');
  const faults = await schedulerFileFaults({ config: path });
  expect(faults).toEqual([
    `${path}:\n  parallelism: Invalid value: 0: should be an integer value greater than zero\n  strict decoding error: unknown field "foo"`,
  ]);
});
