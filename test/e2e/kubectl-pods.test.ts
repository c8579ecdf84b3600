import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolbox } from './images.ts';
import { unavailable, untilPrinted, useKubectl } from './kubectl.ts';
import { sleeper } from './manifests.ts';

describe.skipIf(unavailable)('kubectl v1.35 and running pods', () => {
  const kubectl = useKubectl('e2e-pods');
  const scratch = mkdtempSync(join(tmpdir(), 'knarr-e2e-pods-'));
  afterAll(() => rmSync(scratch, { recursive: true }));

  beforeAll(async () => {
    if (unavailable) return;
    await kubectl(['apply', '-f', '-'], { input: sleeper('box') });
    await kubectl(['wait', 'pod/box', '--for=condition=Ready', '--timeout=60s']);
  });

  test('get pods shows it running, describe tells its story', async () => {
    expect(await kubectl(['get', 'pods'])).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\nbox +1\/1 +Running +0 +\S+\n$/);
    const story = await kubectl(['describe', 'pod', 'box']);
    for (const reason of ['Scheduled', 'Created', 'Started']) expect(story).toMatch(new RegExp(`Normal +${reason} `));
    expect(story).toMatch(/^QoS Class: +BestEffort$/m);
    expect(story).toMatch(/^IP: +10\.\d+\.\d+\.\d+$/m);
  });

  test('logs, with -f to the end of the container', async () => {
    expect(await kubectl(['logs', 'box'])).toBe('started\n');
    await kubectl([
      'run',
      'counter',
      `--image=${toolbox}`,
      '--restart=Never',
      '--',
      '-c',
      'for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done',
    ]);
    await kubectl(['wait', 'pod/counter', '--for=jsonpath={.status.containerStatuses[0].state}', '--timeout=60s']);
    await kubectl(['wait', 'pod/counter', '--for=condition=PodReadyToStartContainers', '--timeout=60s']);
    await expect.poll(() => kubectl(['logs', '-f', 'counter']), { timeout: 20_000 }).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
    expect(await kubectl(['logs', 'counter', '--tail=2'])).toBe('line 4\nline 5\n');
  });

  test('exec returns output, exit code and both streams', async () => {
    expect(await kubectl(['exec', 'box', '--', 'echo', 'hi there'])).toBe('hi there\n');
    await expect(kubectl(['exec', 'box', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])).rejects.toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining('err') as string,
    });
    expect(await kubectl.failing(['exec', 'box', '--', '/no/such/program'])).toContain('no such file or directory');
  });

  test('exec -i takes input to its end', async () => {
    const input = randomBytes(2_000_000);
    const sum = createHash('md5').update(input).digest('hex');
    expect(await kubectl(['exec', '-i', 'box', '--', 'md5sum'], { input })).toContain(sum);
  });

  test('exec -it gives a terminal', async () => {
    expect(await kubectl.onTerminal(['exec', '-it', 'box', '--', 'sh', '-c', 'test -t 0 && echo terminal; exit'], '')).toContain(
      'terminal',
    );
  });

  test('attach joins the running process', async () => {
    await kubectl([
      'run',
      'echoer',
      `--image=${toolbox}`,
      '-i',
      '--attach=false',
      '--restart=Never',
      '--',
      '-c',
      'while read line; do echo "got $line"; done',
    ]);
    await kubectl(['wait', 'pod/echoer', '--for=condition=Ready', '--timeout=60s']);
    const attached = kubectl.start(['attach', '-i', 'echoer']);
    try {
      const answer = untilPrinted(attached.stdout, /got hello/);
      attached.stdin.write('hello\n');
      expect(await answer).toContain('got hello');
    } finally {
      attached.kill();
    }
  });

  test('port-forward carries HTTP', async () => {
    await kubectl([
      'run',
      'web',
      `--image=${toolbox}`,
      '--port=8080',
      '--',
      '-c',
      'mkdir /tmp/www; echo forwarded > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www',
    ]);
    await kubectl(['wait', 'pod/web', '--for=condition=Ready', '--timeout=60s']);
    const forward = kubectl.start(['port-forward', 'pod/web', ':8080']);
    try {
      const port = /127\.0\.0\.1:(\d+)/.exec(await untilPrinted(forward.stdout, /Forwarding from 127\.0\.0\.1:\d+/))![1];
      const fetchOnce = (): Promise<string> =>
        new Promise((resolve, reject) => {
          get(`http://127.0.0.1:${port}/`, { agent: false }, (response) => {
            let text = '';
            response.on('data', (chunk: Buffer) => (text += chunk.toString()));
            response.on('end', () => resolve(text));
          }).on('error', reject);
        });
      await expect.poll(fetchOnce, { timeout: 10_000 }).toBe('forwarded\n');
      expect(await fetchOnce()).toBe('forwarded\n');
    } finally {
      forward.kill();
    }
  });

  test('cp into a pod and back keeps every byte', async () => {
    const bytes = randomBytes(5_000_000);
    writeFileSync(join(scratch, 'there'), bytes);
    await kubectl(['cp', join(scratch, 'there'), 'box:/tmp/there']);
    await kubectl(['cp', 'box:/tmp/there', join(scratch, 'back')]);
    expect(readFileSync(join(scratch, 'back')).equals(bytes)).toBe(true);
  });

  test('run --rm -it runs to its end and cleans up', async () => {
    const printed = await kubectl.onTerminal(
      ['run', 'once', `--image=${toolbox}`, '--rm', '-it', '--restart=Never', '--', '-c', 'sleep 1; echo done once'],
      '',
    );
    expect(printed).toContain('done once');
    expect(await kubectl(['get', 'pod', 'once', '--ignore-not-found'])).toBe('');
  });

  test('an image that does not exist: ErrImagePull, then back-off, with events', async () => {
    await kubectl(['run', 'nowhere', '--image=registry.invalid/none:1']);
    await expect
      .poll(() => kubectl(['get', 'pod', 'nowhere', '--no-headers']), { timeout: 30_000 })
      .toMatch(/ErrImagePull|ImagePullBackOff/);
    await expect
      .poll(() => kubectl(['events', '--for=pod/nowhere']), { timeout: 30_000 })
      .toMatch(/Failed +Pod\/nowhere +Failed to pull image "registry\.invalid\/none:1"/);
    await expect.poll(() => kubectl(['get', 'pod', 'nowhere', '--no-headers']), { timeout: 30_000 }).toMatch(/ImagePullBackOff/);
    await kubectl(['delete', 'pod', 'nowhere', '--now']);
  });

  test('a pod that fits nowhere says why', async () => {
    await kubectl([
      'run',
      'giant',
      `--image=${toolbox}`,
      '--overrides={"spec":{"containers":[{"name":"giant","image":"x","resources":{"requests":{"cpu":"1000"}}}]}}',
    ]);
    await expect
      .poll(() => kubectl(['events', '--for=pod/giant']), { timeout: 20_000 })
      .toContain('0/2 nodes are available: 2 Insufficient cpu.');
    await kubectl(['delete', 'pod', 'giant']);
  });

  test('a container that exceeds its memory is OOMKilled, and starts again', async () => {
    const hungry = {
      name: 'hungry',
      image: toolbox,
      args: ['-c', 'a=xxxxxxxxxxxxxxxx; while true; do a=$a$a; done'],
      resources: { limits: { memory: '20Mi' } },
    };
    await kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'hungry' }, spec: { containers: [hungry] } }),
    });
    const reason = "jsonpath={.status.containerStatuses[0]['lastState','state'].terminated.reason}";
    await expect.poll(() => kubectl(['get', 'pod', 'hungry', '-o', reason]), { timeout: 40_000 }).toContain('OOMKilled');
    await kubectl(['delete', 'pod', 'hungry', '--now']);
  });

  test('deleting gives the container its time', async () => {
    const polite = {
      name: 'polite',
      image: toolbox,
      args: ['-c', 'trap "echo bye; exit 0" TERM; echo waiting; while true; do sleep 0.1; done'],
    };
    await kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'polite' }, spec: { containers: [polite] } }),
    });
    await kubectl(['wait', 'pod/polite', '--for=condition=Ready', '--timeout=60s']);
    const log = kubectl.start(['logs', '-f', 'polite']);
    const printed = untilPrinted(log.stdout, /waiting\nbye/);
    await untilPrinted(log.stdout, /waiting/);
    await kubectl(['delete', 'pod', 'polite']);
    expect(await printed).toBe('waiting\nbye\n');
  });
});
