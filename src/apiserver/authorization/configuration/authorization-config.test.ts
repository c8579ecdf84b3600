import { describe, expect, test } from 'vitest';
import { readAuthorizationConfig } from './authorization-config.ts';

const here = import.meta.filename;
const connectionInfo = { type: 'KubeConfigFile', kubeConfigFile: here };
const good = { timeout: '3s', subjectAccessReviewVersion: 'v1', failurePolicy: 'Deny', connectionInfo };
const webhook = (more: object = {}, name = 'w'): object => ({ type: 'Webhook', name, webhook: { ...good, ...more } });
const read = (authorizers: readonly object[], more: object = {}): ReturnType<typeof readAuthorizationConfig> =>
  readAuthorizationConfig(
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers, ...more }),
  );

describe('a file of authorizers', () => {
  test('is read with defaults for what it leaves out', () => {
    expect(read([{ type: 'Node', name: 'node' }, webhook()])).toEqual([
      { type: 'Node', name: 'node' },
      {
        type: 'Webhook',
        name: 'w',
        webhook: {
          kubeconfigFile: here,
          timeoutMs: 3_000,
          version: 'v1',
          authorizedMs: 300_000,
          unauthorizedMs: 30_000,
          onFailure: 'deny',
        },
      },
    ]);
  });

  test.each<[object, object]>([
    [
      { authorizedTTL: '1m', unauthorizedTTL: '5s' },
      { authorizedMs: 60_000, unauthorizedMs: 5_000 },
    ],
    [
      { cacheAuthorizedRequests: false, cacheUnauthorizedRequests: false },
      { authorizedMs: 0, unauthorizedMs: 0 },
    ],
    [{ authorizedTTL: '0s' }, { authorizedMs: 300_000 }],
    [
      { failurePolicy: 'NoOpinion', subjectAccessReviewVersion: 'v1beta1' },
      { onFailure: 'no-opinion', version: 'v1beta1' },
    ],
    [{ matchConditionSubjectAccessReviewVersion: 'v1' }, { version: 'v1' }],
  ])('%j is understood', (more, meant) => expect(read([webhook(more)])[0]!.webhook).toMatchObject(meant));

  test('may be of the beta version and YAML', () => {
    const text = 'apiVersion: apiserver.config.k8s.io/v1beta1\nkind: AuthorizationConfiguration\nauthorizers: [{type: RBAC, name: rbac}]\n';
    expect(readAuthorizationConfig(text)).toEqual([{ type: 'RBAC', name: 'rbac' }]);
  });
});

describe('a file of authorizers is refused', () => {
  const types = '"ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"';
  const at = 'authorizers[0]';
  test.each<[readonly object[], string]>([
    [[], 'authorizers: Required value: at least one authorization mode must be defined'],
    [[{ name: 'a' }], `${at}.type: Required value`],
    [[{ type: 'Oracle', name: 'o' }], `${at}.type: Unsupported value: "Oracle": supported values: ${types}`],
    [[{ type: 'ABAC', name: 'abac' }], `${at}.type: Forbidden: ABAC is not supported`],
    [
      [
        { type: 'RBAC', name: 'rbac' },
        { type: 'RBAC', name: 'again' },
      ],
      'authorizers[1].type: Duplicate value: "RBAC"',
    ],
    [[{ type: 'RBAC' }], `${at}.name: Required value`],
    [[{ type: 'RBAC', name: 'mine' }], 'expected name rbac for authorizer RBAC instead of mine'],
    [[webhook(), webhook()], 'authorizers[1].name: Duplicate value: "w"'],
    [[{ type: 'Webhook', name: 'w' }], `${at}.webhook: Required value: required when type=Webhook`],
    [[{ type: 'RBAC', name: 'rbac', webhook: {} }], `${at}.webhook: Invalid value: "non-null": may only be specified when type=Webhook`],
    [
      [webhook({ other: 1 })],
      'failed to load AuthorizationConfiguration from file: strict decoding error: unknown field "authorizers[0].webhook.other"',
    ],
  ])('%j: %s', (authorizers, why) => expect(() => read(authorizers)).toThrow(new RegExp(`^${RegExp.escape(why)}$`)));

  const inWebhook = `${at}.webhook`;
  test.each<[object, string]>([
    [{ timeout: undefined }, `${inWebhook}.timeout: Required value`],
    [{ timeout: '31s' }, `${inWebhook}.timeout: Invalid value: "31s": must be > 0s and <= 30s`],
    [{ timeout: '-1s' }, `${inWebhook}.timeout: Invalid value: "-1s": must be > 0s and <= 30s`],
    [{ authorizedTTL: '-1s' }, `${inWebhook}.authorizedTTL: Invalid value: "-1s": must be > 0s`],
    [{ unauthorizedTTL: '-1s' }, `${inWebhook}.unauthorizedTTL: Invalid value: "-1s": must be > 0s`],
    [{ unauthorizedTTL: 'soon' }, `${inWebhook}.unauthorizedTTL: Invalid value: "soon": time: invalid duration "soon"`],
    [{ cacheAuthorizedRequests: 'no' }, `${inWebhook}.cacheAuthorizedRequests: Invalid value: "no": must be a boolean`],
    [{ subjectAccessReviewVersion: '' }, `${inWebhook}.subjectAccessReviewVersion: Required value`],
    [
      { subjectAccessReviewVersion: 'v2' },
      `${inWebhook}.subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"`,
    ],
    [{ failurePolicy: '' }, `${inWebhook}.failurePolicy: Required value`],
    [{ failurePolicy: 'Allow' }, `${inWebhook}.failurePolicy: Unsupported value: "Allow": supported values: "NoOpinion", "Deny"`],
    [{ connectionInfo: undefined }, `${inWebhook}.connectionInfo.type: Required value`],
    [
      { connectionInfo: { type: 'URL' } },
      `${inWebhook}.connectionInfo.type: Unsupported value: "URL": supported values: "InClusterConfig", "KubeConfigFile"`,
    ],
    [
      { connectionInfo: { type: 'InClusterConfig' } },
      `${inWebhook}.connectionInfo.type: Forbidden: InClusterConfig is not supported: the API server is no pod of its cluster`,
    ],
    [{ connectionInfo: { type: 'KubeConfigFile' } }, `${inWebhook}.connectionInfo.kubeConfigFile: Required value`],
    [
      { connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'w' } },
      `${inWebhook}.connectionInfo.kubeConfigFile: Invalid value: "w": must be an absolute path`,
    ],
    [
      { connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/' } },
      `${inWebhook}.connectionInfo.kubeConfigFile: Invalid value: "/": must be a regular file`,
    ],
    [
      { connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/no/such' } },
      `${inWebhook}.connectionInfo.kubeConfigFile: Invalid value: "/no/such": error loading file: stat /no/such: no such file or directory`,
    ],
    [
      { matchConditionSubjectAccessReviewVersion: 'v2' },
      `${inWebhook}.matchConditionSubjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1"`,
    ],
    [
      { matchConditionSubjectAccessReviewVersion: 'v1', matchConditions: [{ expression: 'true' }] },
      `${inWebhook}.matchConditions[0].expression: Forbidden: CEL expressions are not supported`,
    ],
    [
      { matchConditionSubjectAccessReviewVersion: 'v1', matchConditions: [{ expression: ' ' }] },
      `${inWebhook}.matchConditions[0].expression: Required value`,
    ],
    [
      { matchConditionSubjectAccessReviewVersion: 'v1', matchConditions: Array.from({ length: 65 }, () => ({})) },
      `${inWebhook}.matchConditions: Too many: 65: must have at most 64 items`,
    ],
  ])('%j: %s', (more, why) => expect(() => read([webhook(more)])).toThrow(new RegExp(`^${RegExp.escape(why)}$`)));

  test('with all that is wrong', () => {
    expect(() => read([webhook({ timeout: '0', failurePolicy: '' })])).toThrow(
      '[authorizers[0].webhook.timeout: Required value, authorizers[0].webhook.failurePolicy: Required value]',
    );
  });

  test.each([
    ['', 'no AuthorizationConfiguration of'],
    ['kind: [', 'failed to load AuthorizationConfiguration from file: '],
    ['kind: AuthorizationConfiguration\napiVersion: v1\n', 'no AuthorizationConfiguration of'],
  ])('when it is no such file: %j', (text, why) => expect(() => readAuthorizationConfig(text)).toThrow(why));
});
