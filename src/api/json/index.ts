/** Reading, writing, copying and comparing JSON. */
export { parseJson, type Parsed } from './parse.ts';
export { JsonSyntaxError } from './careful-reader.ts';
export { stringifyJson } from './stringify.ts';
export { bytesOf, textOf } from './text-codec.ts';
export { deepCopy, deepEqual, getOwn, isJsonObject, maxTreeDepth, NotJsonError, setOwn } from './tree.ts';
