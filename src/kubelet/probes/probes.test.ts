import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Server as GrpcServer, ServerCredentials, status as grpcStatus } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { corev1 } from '../../api/index.ts';
import { seededRandom, silentLogger, systemClock, VirtualClock } from '../../base/index.ts';
import { type ExecResult, RuntimeError } from '../runtime/runtime.ts';
import type { ProbeReport, ProbeTarget } from '../seams.ts';
import { createProber } from './index.ts';
import type { ProbeOutcome } from './outcome.ts';
import { runProbe } from './run-probe.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const never = new AbortController().signal;
const noRuntime = { execSync: () => Promise.reject(new Error('unexpected')) };

function target(container: Partial<corev1.Container>, pod: Partial<corev1.PodStatus> = {}, startedAtMs = 0): ProbeTarget {
  const whole: corev1.Container = { name: 'app', ...container };
  return {
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'ns', uid: 'u1' },
      spec: { containers: [whole] },
      status: pod,
    } as unknown as corev1.Pod,
    container: whole,
    containerId: 'c1',
    podIp: '127.0.0.1',
    startedAtMs,
  };
}

function once(probe: corev1.Probe, container: Partial<corev1.Container> = {}, runtime = noRuntime as never): Promise<ProbeOutcome> {
  return runProbe(probe, target(container), { runtime, clock: systemClock }, never);
}

async function httpServer(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createHttpServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return (server.address() as AddressInfo).port;
}

describe('an HTTP probe', () => {
  it.each([
    [200, 'success', 'hello'],
    [399, 'warning', 'Probe terminated redirects, Response body: hello'],
    [404, 'failure', 'HTTP probe failed with statuscode: 404'],
    [500, 'failure', 'HTTP probe failed with statuscode: 500'],
  ])('takes %d for %s', async (status, result, output) => {
    const port = await httpServer((_request, response) => response.writeHead(status).end('hello'));
    expect(await once({ httpGet: { port } })).toEqual({ result, output });
  });

  it('sends its own agent, the headers asked for and the path as it was written', async () => {
    let seen: IncomingMessage | undefined;
    const port = await httpServer((request, response) => {
      seen = request;
      response.end();
    });
    const httpHeaders = [
      { name: 'Host', value: 'example.org' },
      { name: 'X-Two', value: 'a' },
      { name: 'X-Two', value: 'b' },
      { name: 'Accept', value: '' },
    ];
    await once({ httpGet: { port: 'web', path: 'a/../b c?x=1#frag', httpHeaders } }, { ports: [{ name: 'web', containerPort: port }] });
    expect(seen?.url).toBe('/a/../b%20c?x=1');
    expect(seen?.headers).toMatchObject({ host: 'example.org', 'x-two': 'a, b', 'user-agent': 'kube-probe/1.35', connection: 'close' });
    expect(seen?.headers.accept).toBeUndefined();
  });

  it('follows redirects on its host only', async () => {
    const port = await httpServer((request, response) => {
      if (request.url === '/ok') response.end('there');
      else if (request.url === '/away') response.writeHead(302, { location: 'http://localhost:1/' }).end('left');
      else response.writeHead(302, { location: request.url === '/loop' ? '/loop' : '/ok' }).end();
    });
    expect(await once({ httpGet: { port, path: '/' } })).toEqual({ result: 'success', output: 'there' });
    expect(await once({ httpGet: { port, path: '/away' } })).toEqual({
      result: 'warning',
      output: 'Probe terminated redirects, Response body: left',
    });
    expect((await once({ httpGet: { port, path: '/loop' } })).output).toContain('stopped after 10 redirects');
  });

  it('says in upstream words why there was no answer', async () => {
    const port = await httpServer(() => {});
    expect(await once({ httpGet: { port, path: '/x' }, timeoutSeconds: 0.05 })).toEqual({
      result: 'failure',
      output: `Get "http://127.0.0.1:${port}/x": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    });
    expect(await once({ httpGet: { port: 1, path: '/x' } })).toEqual({
      result: 'failure',
      output: 'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused',
    });
    const hangUp = await httpServer((request) => request.socket.destroy());
    expect((await once({ httpGet: { port: hangUp, path: '/' } })).output).toBe(`Get "http://127.0.0.1:${hangUp}/": EOF`);
  });

  it('keeps no more than 10 KiB of an answer', async () => {
    const port = await httpServer((_request, response) => response.end('x'.repeat(100_000)));
    expect((await once({ httpGet: { port } })).output).toHaveLength(10 * 1024);
  });

  it('cannot be tried on a port that the container does not name', async () => {
    await expect(once({ httpGet: { port: 'nope' } })).rejects.toThrow('strconv.Atoi: parsing "nope": invalid syntax');
    await expect(once({ httpGet: { port: 70000 } })).rejects.toThrow('invalid port number: 70000');
  });
});

describe('a TCP probe', () => {
  it('succeeds when somebody listens', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    closers.push(() => server.close());
    expect(await once({ tcpSocket: { port: (server.address() as AddressInfo).port } })).toEqual({ result: 'success', output: '' });
  });

  it('fails when nobody does', async () => {
    expect(await once({ tcpSocket: { port: 1 } })).toEqual({
      result: 'failure',
      output: 'dial tcp 127.0.0.1:1: connect: connection refused',
    });
  });
});

describe('a gRPC probe', () => {
  /** Answers the health check by the service's name. */
  async function grpcServer(answers: Readonly<Record<string, number>>): Promise<number> {
    const server = new GrpcServer();
    const check = {
      path: '/grpc.health.v1.Health/Check',
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => ({ service: bytes.subarray(2).toString() }),
      requestSerialize: () => Buffer.alloc(0),
      responseSerialize: (value: number) => Buffer.from([8, value]),
      responseDeserialize: () => 0,
    };
    server.addService({ check }, {
      check: (call: { request: { service: string } }, done: (error: unknown, value?: number) => void) => {
        const value = answers[call.request.service];
        if (value === undefined) done({ code: grpcStatus.NOT_FOUND, details: 'unknown service' });
        else done(null, value);
      },
    } as never);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    closers.push(() => server.forceShutdown());
    return port;
  }

  it.each([
    ['', 'success', 'service healthy'],
    ['sick', 'failure', 'service unhealthy (responded with "NOT_SERVING")'],
    ['gone', 'failure', 'error: health rpc probe failed: rpc error: code = NotFound desc = unknown service'],
  ])('of service %j is a %s', async (service, result, output) => {
    const port = await grpcServer({ '': 1, sick: 2 });
    expect(await once({ grpc: { port, service }, timeoutSeconds: 2 })).toEqual({ result, output });
  });

  it('times out when nobody listens', async () => {
    expect(await once({ grpc: { port: 1 }, timeoutSeconds: 0.2 })).toEqual({
      result: 'failure',
      output: 'timeout: failed to connect service "127.0.0.1:1" within 200ms: context deadline exceeded',
    });
  });
});

describe('an exec probe', () => {
  const result = (exitCode: number): ExecResult => ({ stdout: Buffer.from('out '), stderr: Buffer.from('err'), exitCode });

  it.each([
    [0, 'success'],
    [1, 'failure'],
  ])('with exit code %d is a %s', async (exitCode, expected) => {
    const commands: (readonly string[])[] = [];
    const runtime = {
      execSync: ({ command }: { command: readonly string[] }) => {
        commands.push(command);
        return Promise.resolve(result(exitCode));
      },
    };
    const container = {
      env: [
        { name: 'A', value: 'b' },
        { name: 'F', valueFrom: {} },
      ],
    };
    expect(await once({ exec: { command: ['x', '$(A)$(F)$(C)'] } }, container, runtime as never)).toEqual({
      result: expected,
      output: 'out err',
    });
    expect(commands).toEqual([['x', 'b$(C)']]);
  });

  it('fails when it takes too long', async () => {
    const runtime = { execSync: () => Promise.reject(new RuntimeError('DeadlineExceeded', 'x')) };
    expect(await once({ exec: { command: ['sleep', '9'] }, timeoutSeconds: 2 }, {}, runtime as never)).toEqual({
      result: 'failure',
      output: 'command timed out: "sleep 9" timed out after 2s',
    });
  });

  it('is tried three times when the engine fails, then given up', async () => {
    let tries = 0;
    const runtime = { execSync: () => Promise.reject(new RuntimeError('Unknown', `no ${++tries}`)) };
    await expect(once({ exec: { command: ['x'] } }, {}, runtime as never)).rejects.toThrow('rpc error: code = Unknown desc = no 3');
  });
});

describe('the prober', () => {
  /** One prober on a virtual clock whose exec probes answer what `exit` says at the time, by the command's first word. */
  function start(exit: (kind: string, atSeconds: number) => number | Error): {
    clock: VirtualClock;
    reports: string[];
    events: string[];
    calls: string[];
    prober: ReturnType<typeof createProber>;
  } {
    const clock = new VirtualClock(0);
    const [reports, events, calls]: string[][] = [[], [], []];
    const runtime = {
      execSync: ({ command }: { command: readonly string[] }) => {
        const kind = command[0]!;
        const at = clock.now() / 1000;
        calls!.push(`${at} ${kind}`);
        const code = exit(kind, at);
        if (code instanceof Error) return Promise.reject(code);
        return Promise.resolve({ stdout: Buffer.from(`${kind} says ${code}`), stderr: Buffer.alloc(0), exitCode: code });
      },
    };
    const recorder = {
      event: (_pod: unknown, event: { reason: string; message: string; fieldPath?: string }) =>
        void events!.push(`${event.reason} ${event.fieldPath}: ${event.message}`),
    };
    const deps = { clock, random: seededRandom(1), log: silentLogger, recorder: recorder as never, runtime: runtime as never };
    const prober = createProber(deps, (report: ProbeReport) => void reports!.push(`${clock.now() / 1000} ${report.kind} ${report.result}`));
    return { clock, reports: reports!, events: events!, calls: calls!, prober };
  }

  const exec = (name: string): corev1.Probe => ({ exec: { command: [name] }, periodSeconds: 10, failureThreshold: 3, successThreshold: 1 });

  it('makes a container ready at its first success and unready after three failures', async () => {
    const { clock, prober, reports, events } = start((_kind, at) => (at >= 20 ? 1 : 0));
    prober.containerRunning(target({ readinessProbe: exec('readiness') }));
    expect(prober.result('c1')).toEqual({ started: true, ready: false });
    await clock.advance(0);
    expect(prober.result('c1')).toEqual({ started: true, ready: true });
    await clock.advance(60_000);
    expect(prober.result('c1')).toEqual({ started: true, ready: false });
    expect(reports).toEqual(['0 readiness success', '40 readiness failure']);
    expect(events[0]).toBe('Unhealthy spec.containers{app}: Readiness probe failed: readiness says 1');
    await prober.close();
    expect(clock.timers).toBe(0);
  });

  it('waits for the initial delay', async () => {
    const { clock, prober, calls } = start(() => 0);
    prober.containerRunning(target({ readinessProbe: { ...exec('readiness'), initialDelaySeconds: 25 } }));
    await clock.advance(36_000);
    expect(calls).toEqual(['25 readiness', '35 readiness']);
    await prober.close();
  });

  it('holds liveness and readiness back until startup has succeeded', async () => {
    const { clock, prober, reports, calls } = start((kind, at) => (kind === 'startup' && at < 20 ? 1 : 0));
    const container = { startupProbe: exec('startup'), readinessProbe: exec('readiness'), livenessProbe: exec('liveness') };
    prober.containerRunning(target(container));
    expect(prober.result('c1')).toEqual({ started: false, ready: false });
    await clock.advance(25_000);
    expect(calls).toEqual(['0 startup', '10 startup', '20 startup', '20 readiness', '20 liveness']);
    expect(prober.result('c1')).toEqual({ started: true, ready: true });
    expect(reports).toEqual(['20 startup success', '20 readiness success']);
    await prober.close();
  });

  it('ends liveness when it failed, since the container will be replaced', async () => {
    const { clock, prober, reports, calls } = start(() => 1);
    prober.containerRunning(target({ livenessProbe: exec('liveness') }));
    await clock.advance(100_000);
    expect(reports).toEqual(['20 liveness failure']);
    expect(calls).toHaveLength(3);
    await prober.close();
  });

  it('learns nothing from a probe that could not be tried', async () => {
    const { clock, prober, reports, events } = start(() => new Error('engine away'));
    prober.containerRunning(target({ livenessProbe: exec('liveness') }));
    await clock.advance(100_000);
    expect(reports).toEqual([]);
    expect(events[0]).toBe('Unhealthy spec.containers{app}: Liveness probe errored and resulted in unknown state: engine away');
    await prober.close();
  });

  it('lets a terminating pod become unready but never ready, and stops its liveness', async () => {
    const { clock, prober, reports, calls } = start((_kind, at) => (at >= 10 && at < 40 ? 1 : 0));
    prober.containerRunning(target({ readinessProbe: exec('readiness'), livenessProbe: exec('liveness') }));
    await clock.advance(5_000);
    prober.podTerminating('u1');
    await clock.advance(60_000);
    expect(reports).toEqual(['0 readiness success', '30 readiness failure']);
    expect(calls.filter((call) => call.endsWith('liveness'))).toEqual(['0 liveness']);
    await prober.close();
  });

  it('says nothing of a container that is gone', async () => {
    const { clock, prober, reports } = start(() => 1);
    prober.containerRunning(target({ livenessProbe: exec('liveness') }));
    await clock.advance(15_000);
    prober.podGone('u1');
    await clock.advance(60_000);
    expect(reports).toEqual([]);
    expect(prober.result('c1')).toEqual({ started: false, ready: false });
    expect(clock.timers).toBe(0);
    await prober.close();
  });

  it('keeps what the status says of a container that ran before the kubelet did', async () => {
    const { prober } = start(() => 0);
    const before = {
      containerStatuses: [{ name: 'app', containerID: 'containerd://c1', started: true, ready: true }],
    } as unknown as corev1.PodStatus;
    prober.containerRunning(target({ startupProbe: exec('startup'), readinessProbe: exec('readiness') }, before, -60_000));
    expect(prober.result('c1')).toEqual({ started: true, ready: true });
    await prober.close();
  });

  it('does not delay the next probe by one that takes long', async () => {
    const { clock, prober, calls } = start(() => 0);
    prober.containerRunning(target({ readinessProbe: { ...exec('readiness'), periodSeconds: 3 } }));
    await clock.advance(9_500);
    expect(calls).toEqual(['0 readiness', '3 readiness', '6 readiness', '9 readiness']);
    await prober.close();
  });
});
