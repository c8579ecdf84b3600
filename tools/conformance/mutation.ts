/** One change of the code that turns a feature off, and the rows that must notice. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Exact texts. */
  readonly rows: readonly string[];
}

/** The text goes. */
export const turnedOff = (name: string, file: string, find: string, rows: readonly string[]): Mutation => ({
  name,
  file,
  find,
  replace: '',
  rows,
});

/** A controller that is not run; `create` is how its row of the table makes it. */
export const notRun = (name: string, create: string, rows: readonly string[]): Mutation => ({
  name,
  file: 'src/controllers/index.ts',
  find: `create: ${create}`,
  replace: 'create: () => undefined',
  rows,
});
