/** Reading, writing, copying and comparing JSON (and YAML as another way to write it). */
export { parseJson, type Parsed } from './parse.ts';
export { JsonSyntaxError } from './careful-reader.ts';
export { stringifyJson } from './stringify.ts';
export { parseYaml, parseYamlDocuments, YamlSyntaxError } from './yaml.ts';
export { bytesOf, textOf } from './text-codec.ts';
export { deepCopy, deepEqual, getOwn, isJsonObject, maxTreeDepth, NotJsonError, setOwn } from './tree.ts';
