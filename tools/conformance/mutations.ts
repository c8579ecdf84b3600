/** Features that can be turned off by one change of the code, and the rows that must notice. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Exact texts. */
  readonly rows: readonly string[];
}

export const mutations: readonly Mutation[] = [
  {
    name: 'a watch starts at its resourceVersion',
    file: 'src/apiserver/cache/watch-opener.ts',
    find: "const fromNow = version === '' || version === '0';",
    replace: 'const fromNow = true as boolean;',
    rows: ['watch-configmaps-from-resource-version', 'watch-configmaps-closed-and-restarted'],
  },
];
