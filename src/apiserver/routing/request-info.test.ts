import { describe, expect, test } from 'vitest';
import type { RequestInfo } from '../request.ts';
import { parseRequestInfo } from './request-info.ts';

function check(request: string, expected: Partial<RequestInfo>): void {
  const [method = '', target = ''] = request.split(' ');
  expect(parseRequestInfo(method, target)).toMatchObject(expected);
}

describe('a path', () => {
  const resource = (verb: string, resource: string, more: Partial<RequestInfo> = {}): Partial<RequestInfo> => ({
    isResourceRequest: true,
    verb,
    apiGroup: '',
    version: 'v1',
    namespace: '',
    name: '',
    subresource: '',
    subpath: '',
    resource,
    ...more,
  });
  const rows: Readonly<Record<string, Partial<RequestInfo>>> = {
    'GET /api/v1/nodes': resource('list', 'nodes'),
    'GET /api/v1/nodes/n1': resource('get', 'nodes', { name: 'n1' }),
    'GET /api/v1/nodes/n1/status': resource('get', 'nodes', { name: 'n1', subresource: 'status' }),
    'GET /api/v1/namespaces': resource('list', 'namespaces'),
    'GET /api/v1/namespaces/x': resource('get', 'namespaces', { namespace: 'x', name: 'x' }),
    'PUT /api/v1/namespaces/x/status': resource('update', 'namespaces', { namespace: 'x', name: 'x', subresource: 'status' }),
    'PUT /api/v1/namespaces/x/finalize': resource('update', 'namespaces', { namespace: 'x', name: 'x', subresource: 'finalize' }),
    'GET /api/v1/namespaces/x/pods': resource('list', 'pods', { namespace: 'x' }),
    'POST /api/v1/namespaces/x/pods': resource('create', 'pods', { namespace: 'x' }),
    'DELETE /api/v1/namespaces/x/pods': resource('deletecollection', 'pods', { namespace: 'x' }),
    'DELETE /api/v1/namespaces/x/pods/p': resource('delete', 'pods', { namespace: 'x', name: 'p' }),
    'PATCH /apis/apps/v1/namespaces/x/deployments/d/scale': resource('patch', 'deployments', {
      apiGroup: 'apps',
      namespace: 'x',
      name: 'd',
      subresource: 'scale',
    }),
    'GET /api/v1/namespaces/x/services/s:80/proxy/a/b?c=d': resource('get', 'services', {
      namespace: 'x',
      name: 's:80',
      subresource: 'proxy',
      subpath: '/a/b',
    }),
    'GET /api/v1/pods?watch=1': resource('watch', 'pods'),
    'GET /api/v1/pods?watch': resource('watch', 'pods'),
    'GET /api/v1/pods?watch=false': resource('list', 'pods'),
    'GET /api/v1/watch/namespaces/x/pods/p': resource('watch', 'pods', { namespace: 'x', name: 'p' }),
    'GET /api/v1/pods?fieldSelector=metadata.name%3Dp,spec.nodeName%3Dn': resource('list', 'pods', { name: 'p' }),
    'GET /api/v1/nodes/a%2Fb': resource('get', 'nodes', { name: 'a/b' }),
    'GET /api/v1/nodes/': resource('list', 'nodes'),
  };
  test.each(Object.entries(rows))('%s', (request, expected) => check(request, expected));

  test.each(['GET /api', 'GET /api/v1', 'GET /api/v1/', 'GET /apis/apps/v1', 'GET /healthz', 'GET /', 'POST /apiserver/x'])(
    '%s is no resource',
    (request) => check(request, { isResourceRequest: false, verb: request.split(' ')[0]!.toLowerCase(), resource: '' }),
  );

  test('with an escape that is none stays as it is', () => check('GET /api/v1/nodes/%zz', { name: '%zz' }));
});
