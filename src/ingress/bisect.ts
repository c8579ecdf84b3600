/** Finds whose fault it is when the server refuses a configuration: the Ingresses without which it would take it. */

/** As many are told in one go; with more, something else is wrong than an Ingress. */
const maxCulprits = 16;

/**
 * The fewest items to leave out, one after the other, until `accepts` takes the rest in their order; undefined when it is none of theirs.
 * Asks about log2(items) times for each.
 */
export async function findCulprits<T>(items: readonly T[], accepts: (items: readonly T[]) => Promise<boolean>): Promise<T[] | undefined> {
  if (!(await accepts([]))) return undefined;
  const culprits: T[] = [];
  let rest = [...items];
  while (!(await accepts(rest))) {
    if (culprits.length === maxCulprits) return undefined;
    // Of the beginnings of the list, `good` is one that is taken and `bad` one that is not.
    let [good, bad] = [0, rest.length];
    while (bad - good > 1) {
      const middle = (good + bad) >> 1;
      if (await accepts(rest.slice(0, middle))) good = middle;
      else bad = middle;
    }
    culprits.push(rest[bad - 1]!);
    rest = rest.toSpliced(bad - 1, 1);
  }
  return culprits;
}
