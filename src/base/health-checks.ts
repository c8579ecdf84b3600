/**
 * What `/healthz`, `/livez` and `/readyz` answer from: named checks in a fixed order, each of which holds or says why not. The
 * reason is told to the log and under the check's own path only, since the summary is open to everybody.
 * @source apiserver pkg/server/healthz/healthz.go
 */

/** The parameters of a request that look at the checks: `exclude` and `verbose`. */
export interface HealthQuery {
  has(name: string): boolean;
  getAll(name: string): readonly string[];
}

/** A named check. */
export interface HealthCheck {
  readonly name: string;
  /** @throws when the check does not hold; the message says why */
  readonly check: () => void | Promise<void>;
}

export interface HealthAnswer {
  readonly status: 200 | 500;
  readonly body: string;
  /** What failed and why, for the log. */
  readonly failures: readonly string[];
}

/**
 * Runs all checks of one endpoint.
 * @param endpoint its name without the slash, such as `livez`
 */
export async function summarizeHealth(endpoint: string, checks: readonly HealthCheck[], query: HealthQuery): Promise<HealthAnswer> {
  const excluded = new Set(query.getAll('exclude'));
  const lines: string[] = [];
  const failures: string[] = [];
  for (const check of checks) {
    if (excluded.delete(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const problem = await problemOf(check);
    lines.push(problem === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`);
    if (problem !== undefined) failures.push(`${check.name}: ${problem}`);
  }
  if (excluded.size > 0) {
    const names = [...excluded].toSorted().map((name) => JSON.stringify(name));
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names.join(',')}`);
  }
  if (failures.length > 0) return { status: 500, body: [...lines, `${endpoint} check failed`, ''].join('\n'), failures };
  return { status: 200, body: query.has('verbose') ? [...lines, `${endpoint} check passed`, ''].join('\n') : 'ok', failures };
}

/** Runs one check, as its own path answers it. */
export async function singleHealth(check: HealthCheck): Promise<HealthAnswer> {
  const problem = await problemOf(check);
  if (problem === undefined) return { status: 200, body: 'ok', failures: [] };
  return { status: 500, body: `internal server error: ${problem}\n`, failures: [`${check.name}: ${problem}`] };
}

async function problemOf({ check }: HealthCheck): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    // Whatever a check throws is its answer.
    return error instanceof Error ? error.message : String(error);
  }
}
