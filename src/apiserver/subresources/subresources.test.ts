import { describe, expect, test } from 'vitest';
import type { corev1, Draft, policyv1 } from '../../api/index.ts';
import { parseQuery } from '../routing/query.ts';
import { checkedAddress } from './backend-address.ts';
import { budgetsOf, isFreeToGo, mayGoUnready, takeDisruption } from './disruption-budget.ts';
import { parseLogOptions } from './log-options.ts';
import { containerOf, nodeOf } from './pod-container.ts';
import { kubeletQuery } from './pod-streams.ts';
import { tokenClaims } from './token-claims.ts';

const metadata = { name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

function pod(spec: Partial<corev1.PodSpec>, status: corev1.PodStatus = {}): corev1.Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, labels: { app: 'a' } }, spec: { containers: [], ...spec }, status };
}

describe('the container of a pod', () => {
  const two = pod({ containers: [{ name: 'a' }, { name: 'b' }], initContainers: [{ name: 'i' }] });

  test.each([
    [pod({ containers: [{ name: 'only' }] }), '', 'only'],
    [two, 'b', 'b'],
    [two, 'i', 'i'],
  ])('is found by name, or is the only one (%#)', (of, asked, name) => {
    expect(containerOf(of, asked)).toBe(name);
  });

  test.each([
    [two, '', 'a container name must be specified for pod p, choose one of: [i a b]'],
    [two, 'x', 'container x is not valid for pod p'],
    [pod({}), '', 'a container name must be specified for pod p'],
  ])("is refused in upstream's words (%#)", (of, asked, message) => {
    expect(() => containerOf(of, asked)).toThrow(message);
  });

  test('a pod without a node cannot be talked to', () => {
    expect(() => nodeOf(two)).toThrow('pod p does not have a host assigned');
  });
});

describe('log options', () => {
  test('go to the kubelet by its names, in order', () => {
    const query = parseQuery(
      'timestamps=true&follow&tailLines=10&sinceTime=2026-01-01T01%3A00%3A00.5%2B01%3A00&previous=false&container=c&limitBytes=5',
    );
    expect(parseLogOptions(query, 'p')).toEqual({
      container: 'c',
      insecureSkipTLSVerifyBackend: false,
      kubeletQuery: '?follow=true&limitBytes=5&sinceTime=2026-01-01T00%3A00%3A00Z&tailLines=10&timestamps=true',
    });
    expect(parseLogOptions(parseQuery(''), 'p').kubeletQuery).toBe('');
  });

  test.each([
    ['tailLines=-1', 'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ['limitBytes=0', 'limitBytes: Invalid value: 0: must be greater than 0'],
    ['sinceSeconds=0', 'sinceSeconds: Invalid value: 0: must be greater than 0'],
    ['sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z', 'at most one of `sinceTime` or `sinceSeconds` may be specified'],
    ['tailLines=many', 'strconv.ParseInt: parsing "many": invalid syntax'],
    ['tailLines=99999999999999999999', 'value out of range'],
    ['sinceTime=yesterday', 'parsing time "yesterday"'],
  ])('?%s is refused', (query, message) => {
    expect(() => parseLogOptions(parseQuery(query), 'p')).toThrow(message);
  });
});

test.each([
  [
    'exec',
    'command=sh&command=-c&command=echo+%26&stdin=true&stdout=true&stderr=false&tty=1&container=c',
    '?command=sh&command=-c&command=echo+%26&input=1&output=1&tty=1',
  ],
  ['attach', 'stdin=true&stdout=true&stderr=true', '?error=1&input=1&output=1'],
  ['portforward', 'ports=80&ports=443', '?port=80%2C443'],
  ['portforward', '', ''],
] as const)('%s?%s reaches the kubelet as %s', (stream, query, expected) => {
  expect(kubeletQuery(stream, parseQuery(query))).toBe(expected);
});

test.each(['127.0.0.1', '::1', '169.254.169.254', 'fe80::1', '0.0.0.0', '224.0.0.1', '255.255.255.255', 'ff02::1', 'example.com', ''])(
  'nobody is connected to %j',
  (address) => {
    expect(() => checkedAddress(address)).toThrow('address not allowed');
  },
);

test('pods and nodes are connected to', () => {
  expect(checkedAddress('10.244.0.5')).toBe('10.244.0.5');
  expect(checkedAddress('fd00::5')).toBe('fd00::5');
});

test('a token says whose it is, for whom, for how long and what it is bound to', () => {
  const claims = tokenClaims(
    { namespace: 'ns', serviceAccount: { name: 'sa', uid: 's' }, pod: { name: 'p', uid: 'u' }, node: { name: 'n', uid: undefined } },
    { issuer: 'https://issuer', audiences: ['api'], nowMs: 10_500, lifetimeSeconds: 31_536_000, warnAfterSeconds: 3607, id: 'id' },
  );
  expect(claims).toEqual({
    aud: ['api'],
    exp: 31_536_010,
    iat: 10,
    iss: 'https://issuer',
    jti: 'id',
    'kubernetes.io': {
      namespace: 'ns',
      node: { name: 'n' },
      pod: { name: 'p', uid: 'u' },
      serviceaccount: { name: 'sa', uid: 's' },
      warnafter: 3617,
    },
    nbf: 10,
    sub: 'system:serviceaccount:ns:sa',
  });
});

describe('disruption budgets', () => {
  function budget(
    status: Partial<policyv1.PodDisruptionBudgetStatus>,
    spec: policyv1.PodDisruptionBudgetSpec = {},
  ): Draft<policyv1.PodDisruptionBudget> {
    return {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { ...metadata, name: 'b', generation: 2 },
      spec: { selector: { matchLabels: { app: 'a' } }, ...spec } as Draft<policyv1.PodDisruptionBudgetSpec>,
      status: {
        currentHealthy: 2,
        desiredHealthy: 2,
        disruptionsAllowed: 1,
        expectedPods: 2,
        observedGeneration: 2,
        ...status,
      } as Draft<policyv1.PodDisruptionBudgetStatus>,
    };
  }

  test('cover the pods that their selector matches in their namespace', () => {
    const elsewhere = { ...budget({}), metadata: { ...metadata, namespace: 'other' } };
    expect(budgetsOf(pod({}), [budget({}), elsewhere, budget({}, { selector: { matchLabels: { app: 'b' } } })])).toHaveLength(1);
  });

  test('one disruption is taken and remembered', () => {
    const taken = budget({});
    takeDisruption(taken, 'p', '2026-01-01T00:00:00Z');
    expect(taken.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { p: '2026-01-01T00:00:00Z' } });
  });

  test.each([
    [{ disruptionsAllowed: 0 }, 'The disruption budget b needs 2 healthy pods and has 2 currently'],
    [{ observedGeneration: 1 }, 'The disruption budget b is still being processed by the server.'],
  ])('none is left, or none is known yet (%#)', (status, cause) => {
    expect(() => takeDisruption(budget(status), 'p', '')).toThrow(
      expect.objectContaining({
        code: 429,
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: expect.objectContaining({ causes: [{ reason: 'DisruptionBudget', message: cause }] }),
      }),
    );
  });

  test('whoever disrupts nobody may go', () => {
    expect(isFreeToGo(pod({}, { phase: 'Pending' }))).toBe(true);
    expect(isFreeToGo(pod({}, { phase: 'Running' }))).toBe(false);
    const unready = pod({}, { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] });
    expect(mayGoUnready(unready, budget({}))).toBe(true);
    expect(mayGoUnready(unready, budget({ currentHealthy: 1 }))).toBe(false);
    expect(mayGoUnready(unready, budget({ currentHealthy: 1 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' }))).toBe(true);
    expect(mayGoUnready(pod({}, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }), budget({}))).toBe(false);
  });
});
