/** Closes a test run with its ten slowest tests and one plain line that any CI can count: `N passed, N failed, N skipped`. */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const brokenModules = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length;
    const durationOf = (test: TestCase): number => test.diagnostic()?.duration ?? 0;
    const slowest = tests.toSorted((a, b) => durationOf(b) - durationOf(a)).slice(0, 10);
    console.log('\nSlowest tests:');
    for (const test of slowest) console.log(`  ${(durationOf(test) / 1000).toFixed(2).padStart(7)} s  ${test.fullName}`);
    console.log(
      `\n${count('passed')} passed, ${count('failed') + brokenModules + unhandledErrors.length} failed, ${count('skipped')} skipped`,
    );
  }
}
