/**
 * Every cell of `resourceVersion` × `resourceVersionMatch` × `limit`/`continue`, for lists and for watches, over both stores: which
 * moment is shown, or in which words it is refused.
 * @source API concepts, "Resource versions"; apiserver storage/cacher/delegator, apis/meta/internalversion/validation
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger, systemClock } from '../../src/base/index.ts';
import { createMemoryStore, openLmdbStore, type Store } from '../../src/store/index.ts';
import { startTestServer, type TestServer } from './harness.ts';
import type { HttpAnswer, Json } from './raw-http.ts';

const path = '/api/v1/namespaces/default/configmaps';

/** What a cell of the tables below stands for, as code and message. */
const refusals: Readonly<Record<string, readonly [number, string]>> = {
  'no-version': [422, optionsFault('resourceVersionMatch is forbidden unless resourceVersion is provided')],
  'no-version+continue': [
    422,
    optionsFault(
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
      'resourceVersionMatch is forbidden when continue is provided',
    ),
  ],
  'match+continue': [422, optionsFault('resourceVersionMatch is forbidden when continue is provided')],
  exact0: [422, optionsFault('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')],
  'exact0+continue': [
    422,
    optionsFault(
      'resourceVersionMatch is forbidden when continue is provided',
      'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ),
  ],
  'version+continue': [400, 'specifying resource version is not allowed when using continue'],
  'no-number': [400, 'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'],
  future: [504, 'Timeout: Too large resource version: 999999, current: NOW'],
  'needs-not-older': [422, optionsFault('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')],
  'needs-initial': [422, optionsFault('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')],
  'needs-initial+not-supported': [
    422,
    'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless ' +
      'sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
  ],
  'needs-not-older+not-supported': [
    422,
    'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch ' +
      'to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
  ],
};

function optionsFault(...details: readonly string[]): string {
  const faults = details.map((detail) => `resourceVersionMatch: Forbidden: ${detail}`);
  return `ListOptions.meta.k8s.io "" is invalid: ${faults.length > 1 ? `[${faults.join(', ')}]` : faults[0]}`;
}

/** `past` shows the moment before b was deleted and e was made; a number is the limit of a page; `on` goes on after a page of two. */
const lists = `
  version  match         whole        limit=2      continue
  -        -             now          now/2        on
  -        Exact         no-version   no-version   no-version+continue
  -        NotOlderThan  no-version   no-version   no-version+continue
  0        -             now          now          on
  0        Exact         exact0       exact0       exact0+continue
  0        NotOlderThan  now          now          match+continue
  PAST     -             now          past/2       version+continue
  PAST     Exact         past         past/2       match+continue
  PAST     NotOlderThan  now          now/2        match+continue
  NOW      -             now          now/2        version+continue
  NOW      Exact         now          now/2        match+continue
  NOW      NotOlderThan  now          now/2        match+continue
  999999   -             future       future       version+continue
  999999   Exact         future       future       match+continue
  999999   NotOlderThan  future       future       match+continue
  abc      -             no-number    no-number    version+continue
  abc      Exact         no-number    no-number    match+continue
  abc      NotOlderThan  no-number    no-number    match+continue
`;

/** `state` tells the objects of now first, `+end` and then the bookmark that ends them, `since` what came after, `live` only what comes. */
const watches = `
  version  match         plain                        initial=true                    initial=false
  -        -             state                        needs-not-older                 needs-not-older
  -        Exact         needs-initial+not-supported  needs-not-older+not-supported   needs-not-older+not-supported
  -        NotOlderThan  needs-initial                state+end                       live
  0        -             state                        needs-not-older                 needs-not-older
  0        NotOlderThan  needs-initial                state+end                       live
  PAST     -             since                        needs-not-older                 needs-not-older
  PAST     NotOlderThan  needs-initial                state+end                       since
  NOW      -             live                         needs-not-older                 needs-not-older
  NOW      NotOlderThan  needs-initial                state+end                       live
  999999   NotOlderThan  needs-initial                future                          live
  abc      -             no-number                    needs-not-older                 needs-not-older
  abc      NotOlderThan  needs-initial                no-number                       no-number
`;

interface Cell {
  readonly version: string;
  readonly match: string;
  readonly column: string;
  readonly outcome: string;
}

function cellsOf(table: string): Cell[] {
  const [head, ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const word = (text: string | undefined): string => (text === '-' ? '' : text!);
  return rows.flatMap(([version, match, ...outcomes]) =>
    outcomes.map((outcome, i) => ({ version: word(version), match: word(match), column: head![i + 2]!, outcome })),
  );
}

const listCells = cellsOf(lists);
const watchCells = cellsOf(watches);

const stores: readonly (readonly [string, (directory: string) => Store | Promise<Store>])[] = [
  ['in memory', () => createMemoryStore({ clock: systemClock })],
  ['on disk', (directory) => openLmdbStore({ directory, clock: systemClock, log: silentLogger })],
];

describe.each(stores)('%s', (_name, openStore) => {
  const directory = mkdtempSync(join(tmpdir(), 'kn-versions-'));
  let server: TestServer;
  let past: string;
  let now: string;
  let token: string;
  /** All are asked at once: some of them wait for a version that never comes. */
  const answers = new Map<Cell, Promise<HttpAnswer>>();

  const versionOf = (version: string): string => version.replace('PAST', past).replace('NOW', now);
  const query = (cell: Cell): URLSearchParams => {
    const params = new URLSearchParams();
    if (cell.version !== '') params.set('resourceVersion', versionOf(cell.version));
    if (cell.match !== '') params.set('resourceVersionMatch', cell.match);
    return params;
  };
  beforeAll(async () => {
    server = await startTestServer({ store: await openStore(directory) });
    const make = (name: string): Promise<Json> => server.http('POST', path, { metadata: { name, labels: { name } } });
    for (const name of ['a', 'b', 'c', 'd']) await make(name);
    const first = (await server.http('GET', `${path}?limit=2`)).json;
    past = first.metadata.resourceVersion;
    token = first.metadata.continue;
    await make('e');
    await server.http('DELETE', `${path}/b`);
    now = (await server.http('GET', path)).json.metadata.resourceVersion;
    for (const cell of listCells) {
      const params = query(cell);
      if (cell.column === 'limit=2') params.set('limit', '2');
      if (cell.column === 'continue') params.set('continue', token);
      answers.set(cell, server.http('GET', `${path}?${params.toString()}`));
    }
    for (const cell of watchCells) {
      const params = query(cell);
      params.set('watch', '1');
      params.set('allowWatchBookmarks', 'true');
      params.set('timeoutSeconds', '1');
      if (cell.column.startsWith('initial=')) params.set('sendInitialEvents', cell.column.slice('initial='.length));
      answers.set(cell, server.http('GET', `${path}?${params.toString()}`));
    }
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const refusal = (outcome: string): Json => {
    const known = refusals[outcome];
    return known && { code: known[0], message: known[1].replace('NOW', now) };
  };

  test.each(listCells)('a list: $version $match $column → $outcome', async (cell) => {
    const { status, json } = await answers.get(cell)!;
    if (refusal(cell.outcome)) {
      expect({ code: status, message: json.message }).toEqual(refusal(cell.outcome));
      return;
    }
    const isPast = cell.outcome.startsWith('past') || cell.outcome === 'on';
    const all = isPast ? ['a', 'b', 'c', 'd'] : ['a', 'c', 'd', 'e'];
    const isPage = cell.outcome.endsWith('/2');
    expect(json.items.map(({ metadata }: Json) => metadata.name)).toEqual(
      cell.outcome === 'on' ? all.slice(2) : isPage ? all.slice(0, 2) : all,
    );
    expect(json.metadata).toEqual({
      resourceVersion: isPast ? past : now,
      ...(isPage && { continue: expect.any(String), remainingItemCount: 2 }),
    });
  });

  test.each(watchCells)('a watch: $version $match $column → $outcome', async (cell) => {
    const { status, text } = await answers.get(cell)!;
    if (refusal(cell.outcome)) {
      expect({ code: status, message: JSON.parse(text).message }).toEqual(refusal(cell.outcome));
      return;
    }
    const events = text
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const told = events.map(({ type, object }) =>
      `${type} ${object.metadata.name ?? object.metadata.annotations?.['k8s.io/initial-events-end'] ?? ''}`.trim(),
    );
    const state = ['ADDED a', 'ADDED c', 'ADDED d', 'ADDED e'];
    // At its deadline a watch says how far it came.
    const expected = {
      state: [...state, 'BOOKMARK'],
      'state+end': [...state, 'BOOKMARK true', 'BOOKMARK'],
      since: ['ADDED e', 'DELETED b', 'BOOKMARK'],
      live: ['BOOKMARK'],
    };
    expect(told).toEqual(expected[cell.outcome as keyof typeof expected]);
    expect(events.at(-1).object.metadata.resourceVersion).toBe(now);
  });

  test('without bookmarks no bookmark ends the initial events', async () => {
    const { text } = await server.http('GET', `${path}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1`);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['ADDED', 'ADDED', 'ADDED', 'ADDED']);
  });

  test.each([
    ['x!', 'illegal base64 data at input byte 1'],
    [encode('"text"'), 'server does not recognize this encoded version '],
    [encode('{"v":"v2","rv":1,"start":"a"}'), 'server does not recognize this encoded version v2'],
    [encode('{"v":"meta.k8s.io/v1","rv":0,"start":"a"}'), 'incorrect encoded start resourceVersion (version meta.k8s.io/v1)'],
    [encode('{"v":"meta.k8s.io/v1","rv":1,"start":""}'), 'encoded start key empty (version meta.k8s.io/v1)'],
    [encode('{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/default/s"}'), '../secrets/default/s'],
  ])('a token that is none of ours is refused: %s', async (text, why) => {
    const { status, json } = await server.http('GET', `${path}?limit=1&continue=${encodeURIComponent(text)}`);
    expect([status, json.message]).toEqual([400, `invalid continue token: continue key is not valid: ${why}`]);
  });

  test('a token of one namespace shows nothing of another', async () => {
    const listed = (await server.http('GET', `/api/v1/namespaces/kube-system/configmaps?continue=${token}`)).json;
    expect(listed.items).toEqual([]);
    expect(JSON.parse(Buffer.from(token, 'base64url').toString())).toEqual({ v: 'meta.k8s.io/v1', rv: Number(past), start: 'b\u0000' });
  });

  test('remaining items are not counted through a selector, and a limit of zero or less is none', async () => {
    const selected = (await server.http('GET', `${path}?limit=1&labelSelector=name`)).json;
    expect(Object.keys(selected.metadata)).toEqual(['resourceVersion', 'continue']);
    for (const limit of ['0', '-1']) expect((await server.http('GET', `${path}?limit=${limit}`)).json.items).toHaveLength(4);
  });

  test.each([
    ['limit=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['timeoutSeconds=1.5', 400, 'strconv.ParseInt: parsing "1.5": invalid syntax'],
    ['labelSelector=a%3D%3D%3Db', 400, "unable to parse requirement: found '=', expected: identifier"],
    ['fieldSelector=spec.x%3Dy', 400, '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    [
      'sendInitialEvents=true',
      422,
      'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
    ],
    [
      'resourceVersion=1&resourceVersionMatch=Newest',
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
    ],
  ])('an option that says nothing is refused: %s', async (options, code, message) => {
    const { status, json } = await server.http('GET', `${path}?${options}`);
    expect([status, json.message]).toEqual([code, message]);
  });

  test('an object itself is shown at least as new as asked for', async () => {
    for (const version of ['', '0', past, now]) expect((await server.http('GET', `${path}/a?resourceVersion=${version}`)).status).toBe(200);
    expect((await server.http('GET', `${path}/a?resourceVersion=abc`)).json).toMatchObject({
      code: 400,
      message: refusals['no-number']![1],
    });
  });

  test('watch=1 on the path of an object is ignored, the old path of its watch is not', async () => {
    expect((await server.http('GET', `${path}/a?watch=1`)).json).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'a' } });
    const old = `/api/v1/watch/namespaces/default/configmaps/a`;
    const { text } = await server.http('GET', `${old}?timeoutSeconds=1`);
    expect(JSON.parse(text)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    const other = await server.http('GET', `${old}?fieldSelector=metadata.name%3Db`);
    expect(other.json).toMatchObject({ code: 400, message: "fieldSelector metadata.name doesn't match requested name" });
  });
});

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
