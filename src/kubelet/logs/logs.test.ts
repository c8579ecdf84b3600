import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, systemClock, VirtualClock } from '../../base/index.ts';
import type { PodLookup } from '../seams.ts';
import { createContainerLogs, linkContainerLog, type LogRequest, podLogDirectory, readContainerLog } from './index.ts';
import { parseLogLine, timestampNanos } from './log-line.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kubelet-logs-'));
  path = join(podLogDirectory(join(directory, 'pods'), { namespace: 'ns', name: 'web', uid: 'u1' }), 'app', '0.log');
  mkdirSync(dirname(path), { recursive: true });
});

afterEach(() => rmSync(directory, { recursive: true }));

const log = [
  '2026-01-01T00:00:01.1Z stdout F one',
  '2026-01-01T00:00:02Z stderr F two',
  '2026-01-01T00:00:03.000000003Z stdout P thr',
  '2026-01-01T00:00:03.000000004Z stdout F ee',
  'nonsense',
  '2026-01-01T00:00:04Z stdout F ',
  '2026-01-01T00:00:05Z stdout F five words and spaces ',
  '',
].join('\n');

const base: Omit<LogRequest, 'path'> = { follow: false, running: () => false, stream: 'All', timestamps: false };

async function read(options: Partial<LogRequest>, signal = new AbortController().signal): Promise<string> {
  const chunks: Buffer[] = [];
  const write = (bytes: Buffer): Promise<void> => Promise.resolve(void chunks.push(Buffer.from(bytes)));
  await readContainerLog({ ...base, path, ...options }, write, { signal, clock: systemClock });
  return Buffer.concat(chunks).toString();
}

describe('a log line', () => {
  it('is parsed by its four fields', () => {
    const line = parseLogLine(Buffer.from('2026-01-01T00:00:01.1Z stderr P:x some  text'));
    expect(line).toMatchObject({ timestamp: '2026-01-01T00:00:01.1Z', stream: 'stderr', partial: true });
    expect(line?.content.toString()).toBe('some  text');
  });

  it.each(['', 'a', 'a b', 'a stdout', 'a stdin F x', 'a stdout X x'])('is refused when it is %j', (text) => {
    expect(parseLogLine(Buffer.from(text))).toBeUndefined();
  });

  it('has a time in nanoseconds whatever its zone', () => {
    expect(timestampNanos('2026-01-01T02:00:01.000000007+02:00')).toBe(timestampNanos('2026-01-01T00:00:01.000000007Z'));
    expect(timestampNanos('yesterday')).toBeUndefined();
  });
});

describe('reading a log', () => {
  beforeEach(() => writeFileSync(path, log));

  const all = 'one\ntwo\nthree\n\nfive words and spaces \n';
  it.each<[string, Partial<LogRequest>, string]>([
    ['everything, with partial lines joined and broken ones left out', {}, all],
    ['one stream', { stream: 'Stderr' }, 'two\n'],
    ['no line', { tailLines: 0 }, ''],
    ['the last line', { tailLines: 1 }, 'five words and spaces \n'],
    ['a tail that begins with a partial line', { tailLines: 3 }, 'three\n\nfive words and spaces \n'],
    ['a tail longer than the log', { tailLines: 50 }, all],
    ['the tail of one stream', { tailLines: 1, stream: 'Stderr' }, 'two\n'],
    ['from a time on', { sinceNanos: timestampNanos('2026-01-01T00:00:04Z')! }, '\nfive words and spaces \n'],
    [
      'timestamps of nine decimals, once a whole line',
      { timestamps: true, tailLines: 3 },
      '2026-01-01T00:00:03.000000003Z three\n2026-01-01T00:00:04.000000000Z \n2026-01-01T00:00:05.000000000Z five words and spaces \n',
    ],
    ['up to a number of bytes', { limitBytes: 9 }, 'one\ntwo\nt'],
  ])('gives %s', async (_what, options, expected) => {
    expect(await read(options)).toBe(expected);
  });

  it('gives a last line that was never ended', async () => {
    appendFileSync(path, '2026-01-01T00:00:06Z stdout F cut');
    expect(await read({ tailLines: 1 })).toBe('five words and spaces \ncut\n');
  });

  it('finds the tail of a log of many blocks', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `2026-01-01T00:00:01Z stdout F line ${index}\n`);
    writeFileSync(path, lines.join(''));
    expect(await read({ tailLines: 3 })).toBe('line 19997\nline 19998\nline 19999\n');
    expect((await read({ tailLines: 15_000 })).split('\n')[0]).toBe('line 5000');
  });

  it('refuses a log that was replaced by a link', async () => {
    writeFileSync(join(directory, 'secret'), '2026-01-01T00:00:01Z stdout F secret\n');
    rmSync(path);
    symlinkSync(join(directory, 'secret'), path);
    await expect(read({})).rejects.toThrow('is a symbolic link');
  });

  it('fails with the system error when there is no log', async () => {
    rmSync(path);
    await expect(read({})).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('following a log', () => {
  it('goes on over rotations and ends when the container has ended', async () => {
    writeFileSync(path, '2026-01-01T00:00:01Z stdout F a\n');
    let running = true;
    const seen: string[] = [];
    const steps: Record<string, () => void> = {
      'a\n': () => appendFileSync(path, '2026-01-01T00:00:01Z stdout P b\n2026-01-01T00:00:01Z stdout F c\n'),
      'a\nbc\n': () => {
        renameSync(path, `${path}.old`);
        appendFileSync(`${path}.old`, '2026-01-01T00:00:01Z stdout F d\n');
        writeFileSync(path, '2026-01-01T00:00:01Z stdout F e\n');
      },
      'a\nbc\nd\ne\n': () => {
        appendFileSync(path, '2026-01-01T00:00:01Z stdout F last\n');
        running = false;
      },
    };
    const write = (bytes: Buffer): Promise<void> => {
      seen.push(bytes.toString());
      // After this read, so that the change comes while the reader waits.
      setImmediate(() => steps[seen.join('')]?.());
      return Promise.resolve();
    };
    const ctx = { signal: new AbortController().signal, clock: systemClock };
    await readContainerLog({ ...base, path, follow: true, running: () => running }, write, ctx);
    expect(seen.join('')).toBe('a\nbc\nd\ne\nlast\n');
  });

  it('ends with its signal', async () => {
    writeFileSync(path, log);
    const abort = new AbortController();
    const reading = read({ follow: true, running: () => true }, abort.signal);
    setImmediate(() => abort.abort(new Error('client left')));
    await expect(reading).rejects.toThrow('client left');
  });
});

describe('keeping logs small', () => {
  const reopened: string[] = [];
  const runtime = {
    reopenContainerLog: (id: string) => {
      reopened.push(id);
      writeFileSync(path, '');
      return Promise.resolve();
    },
  };
  const pods = {
    runningContainers: () => [{ podUid: 'u1', namespace: 'ns', podName: 'web', containerName: 'app', containerId: 'c1', logPath: path }],
  } as unknown as PodLookup;

  it('moves a large log aside, compresses older ones and keeps five files', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const deps = { clock, log: silentLogger, runtime: runtime as never };
    const logs = createContainerLogs(deps, { pods, maxSizeBytes: 100, maxFiles: 5, checkMs: 10_000 });
    writeFileSync(path, '');
    logs.start({ signal: abort.signal, log: silentLogger });
    for (let round = 0; round < 7; round++) {
      appendFileSync(path, `2026-01-01T00:00:01Z stdout F round ${round} ${'x'.repeat(100)}\n`);
      const before = reopened.length;
      await clock.advance(10_000);
      // Compression runs outside of the clock.
      while (reopened.length === before) await new Promise((resolve) => setImmediate(resolve));
    }
    abort.abort();
    const names = readdirSync(dirname(path)).sort();
    expect(names).toHaveLength(5);
    expect(names.filter((name) => name.endsWith('.gz'))).toHaveLength(3);
    const oldest = names.find((name) => name.endsWith('.gz'))!;
    expect(gunzipSync(readFileSync(join(dirname(path), oldest))).toString()).toContain('round 3');
    await logs.remove(path);
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('leaves a small log alone and moves one back that the engine did not reopen', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    let calls = 0;
    const failing = { reopenContainerLog: () => Promise.reject(new Error(`no ${++calls}`)) };
    const deps = { clock, log: silentLogger, runtime: failing as never };
    const logs = createContainerLogs(deps, { pods, maxSizeBytes: 100, maxFiles: 5, checkMs: 10_000 });
    writeFileSync(path, 'small');
    logs.start({ signal: abort.signal, log: silentLogger });
    await clock.advance(10_000);
    expect(calls).toBe(0);
    writeFileSync(path, 'x'.repeat(200));
    await clock.advance(10_000);
    expect(calls).toBe(1);
    expect(readdirSync(dirname(path))).toEqual(['0.log']);
    abort.abort();
  });

  it('reads the end of a log for a termination message', async () => {
    const logs = createContainerLogs(
      { clock: systemClock, log: silentLogger, runtime: runtime as never },
      { pods, maxSizeBytes: 1, maxFiles: 2, checkMs: 1 },
    );
    writeFileSync(path, log);
    expect(await logs.tail(path, { maxBytes: 10, maxLines: 80 })).toBe('nd spaces \n'.slice(-10));
    expect(await logs.tail(`${path}.none`, { maxBytes: 10, maxLines: 80 })).toBe('');
  });

  it('links logs for collectors and removes links whose log is gone', async () => {
    const links = join(directory, 'containers');
    writeFileSync(path, log);
    linkContainerLog(links, { pod: { namespace: 'ns', name: 'web', uid: 'u1' }, containerName: 'app', containerId: 'c1', logPath: path });
    expect(readdirSync(links)).toEqual(['web_ns_app-c1.log']);
    const logs = createContainerLogs(
      { clock: systemClock, log: silentLogger, runtime: runtime as never },
      { pods, maxSizeBytes: 1, maxFiles: 2, checkMs: 1 },
    );
    await logs.remove(path);
    expect(readdirSync(links)).toEqual([]);
  });
});
