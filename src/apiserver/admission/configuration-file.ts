/**
 * `--admission-control-config-file`: what plugins are configured with, in the file itself or in files of their own beside it.
 * @source apiserver pkg/admission/config.go, v1.35
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { YamlSyntaxError, parseYaml } from '../../api/yaml/index.ts';
import { FlagValueError } from '../../api/flags/index.ts';
import { ConfigurationReader } from './configuration-reader.ts';

const versions = ['apiserver.config.k8s.io/v1', 'apiserver.k8s.io/v1alpha1'];

/**
 * @returns the configuration of each plugin that has one, by name
 * @throws FlagValueError naming the file and what is wrong with it
 */
export function readAdmissionConfiguration(file: string): ReadonlyMap<string, unknown> {
  const root = readYamlFile(file);
  try {
    return configurationsOf(root, file);
  } catch (error) {
    if (error instanceof RangeError) throw new FlagValueError(`${file}: ${error.message}`);
    throw error;
  }
}

function configurationsOf(value: unknown, file: string): ReadonlyMap<string, unknown> {
  const reader = new ConfigurationReader('admission');
  const root = reader.object(value, '', ['apiVersion', 'kind', 'plugins']);
  reader.kind(root, { kind: 'AdmissionConfiguration', versions });
  const found = new Map<string, unknown>();
  for (const [i, item] of reader.list(root['plugins'], 'plugins').entries()) {
    const plugin = reader.object(item, `plugins[${i}]`, ['name', 'path', 'configuration']);
    const name = reader.text(plugin['name'], `plugins[${i}].name`);
    const path = reader.text(plugin['path'], `plugins[${i}].path`);
    const configuration = plugin['configuration'] ?? (path === '' ? undefined : readYamlFile(resolve(dirname(file), path)));
    if (configuration !== undefined) found.set(name, configuration);
  }
  return found;
}

function readYamlFile(file: string): unknown {
  try {
    return parseYaml(readFileSync(file)).value;
  } catch (error) {
    if (error instanceof YamlSyntaxError || (error as NodeJS.ErrnoException).code !== undefined) {
      throw new FlagValueError(`unable to read admission control configuration from ${file}: ${(error as Error).message}`);
    }
    throw error;
  }
}
