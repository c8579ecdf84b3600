/** YAML as another way to write JSON. A door of its own: few processes read YAML, and the library is not small. */
export { parseYaml, parseYamlDocuments, YamlSyntaxError } from './yaml.ts';
