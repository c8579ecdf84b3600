import { expect, test } from 'vitest';
import { run } from '../../base/index.ts';

/** What a process prints that spawns `task` into a group of its own. @throws ProcessError when it fails */
async function printedWith(task: string): Promise<string> {
  const script = `
    import { createLogger } from '${new URL('../../base/index.ts', import.meta.url).href}';
    import { processGroup } from '${new URL('process-group.ts', import.meta.url).href}';
    const group = processGroup(createLogger({ component: 'test' }), new AbortController().signal);
    group.spawn('proxy', ${task});
    await new Promise((resolve) => setTimeout(resolve, 20));
    await group.close();
    console.log('closed');`;
  return (await run([process.execPath, '--input-type=module', '-e', script])).stdout;
}

test('a task that fails ends its process, and the log names it', async () => {
  const fails = printedWith('async () => { throw new ReferenceError("lost is not defined"); }');
  await expect(fails).rejects.toThrow(/exit code 1: .*"task":"proxy".*lost is not defined/);
});

test('a task that ends, or is told to, ends nothing else', async () => {
  expect(await printedWith('async () => {}')).toContain('closed');
  expect(
    await printedWith('({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))'),
  ).toContain('closed');
});
