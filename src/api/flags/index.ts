/** The door of flags as upstream's components read them: syntaxes for the tables of components, and the reader of such tables. */
export {
  type FlagTable,
  type GivenFlags,
  type ReadFlags,
  readFlags,
  type ReadFlagsOptions,
  readFlagWords,
  syntaxOf,
  type ValuesOf,
} from './read-flags.ts';
export * from './syntax.ts';
