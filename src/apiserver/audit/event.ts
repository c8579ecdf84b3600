/**
 * One audit event as it is written: JSON with upstream's fields in upstream's order, or one line of the old format. Bodies are text already:
 * they are taken down at the moment they are seen, since drafts change after.
 * @source apiserver pkg/apis/audit/v1/types.go, pkg/audit/format.go
 */
import type { JsonObject } from '../../api/index.ts';
import { formatMicroTime } from '../../base/index.ts';
import type { UserInfo } from '../request.ts';
import type { Level, Stage } from './policy.ts';

export interface ObjectReference {
  readonly resource: string;
  namespace?: string;
  name?: string;
  uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion: string;
  resourceVersion?: string;
  readonly subresource?: string;
}

export interface AuditEvent {
  readonly level: Level;
  readonly auditID: string;
  readonly stage: Stage;
  readonly requestURI: string;
  readonly verb: string;
  /** Undefined: nobody was authenticated. */
  readonly user: UserInfo | undefined;
  readonly impersonatedUser: UserInfo | undefined;
  readonly sourceIPs: readonly string[];
  readonly userAgent: string;
  readonly objectRef: ObjectReference | undefined;
  readonly responseStatus: JsonObject | undefined;
  /** JSON. */
  readonly requestObject: string | undefined;
  readonly responseObject: string | undefined;
  readonly receivedMs: number;
  readonly stageMs: number;
  readonly annotations: ReadonlyMap<string, string> | undefined;
}

const maxUserAgent = 1024;

/**
 * Put together by hand: one is made at every stage of a request.
 * @param isItem an item of a list says no kind of its own
 */
export function eventJson(event: AuditEvent, isItem = false): string {
  const { user, impersonatedUser, userAgent, annotations, sourceIPs, objectRef, responseStatus, requestObject, responseObject } = event;
  let text = isItem ? '{' : '{"kind":"Event","apiVersion":"audit.k8s.io/v1",';
  text += `"level":"${event.level}","auditID":${quoted(event.auditID)},"stage":"${event.stage}"`;
  text += `,"requestURI":${quoted(event.requestURI)},"verb":${quoted(event.verb)},"user":${user ? userJson(user) : '{}'}`;
  if (impersonatedUser) text += `,"impersonatedUser":${userJson(impersonatedUser)}`;
  if (sourceIPs.length > 0) text += `,"sourceIPs":[${sourceIPs.map(quoted).join(',')}]`;
  if (userAgent !== '') text += `,"userAgent":${quotedOften(shortened(userAgent))}`;
  if (objectRef) text += `,"objectRef":${referenceJson(objectRef)}`;
  if (responseStatus) text += `,"responseStatus":${statusJson(responseStatus)}`;
  if (requestObject !== undefined) text += `,"requestObject":${requestObject}`;
  if (responseObject !== undefined) text += `,"responseObject":${responseObject}`;
  text += `,"requestReceivedTimestamp":"${timeText(event.receivedMs)}","stageTimestamp":"${timeText(event.stageMs)}"`;
  if (annotations) text += `,"annotations":${annotationsJson(annotations)}`;
  return `${text}}`;
}

/** One line of the format `legacy`. */
export function eventLine(event: AuditEvent): string {
  const { user, impersonatedUser: as } = event;
  const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(',');
  const groups = user && user.groups.length > 0 ? quoted(user.groups) : '<none>';
  const fields: readonly (readonly [string, string])[] = [
    ['id', event.auditID],
    ['stage', event.stage],
    ['ip', event.sourceIPs[0] ?? '<unknown>'],
    ['method', event.verb],
    ['user', user?.name ?? '<none>'],
    ['groups', groups],
    ['as', as?.name ?? '<self>'],
    ['asgroups', as ? quoted(as.groups) : '<lookup>'],
    ['user-agent', event.userAgent],
    ['namespace', event.objectRef?.namespace ?? '<none>'],
    ['uri', event.requestURI],
  ];
  const code = event.responseStatus?.code;
  const text = fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ');
  return `${timeText(event.receivedMs)} AUDIT: ${text} response="${typeof code === 'number' ? code : '<deferred>'}"`;
}

function shortened(userAgent: string): string {
  return userAgent.length > maxUserAgent ? `${userAgent.slice(0, maxUserAgent)}...TRUNCATED` : userAgent;
}

/** Users live as long as their connection or token. */
const users = new WeakMap<UserInfo, string>();

function userJson(user: UserInfo): string {
  let text = users.get(user);
  if (text === undefined) {
    const { name, uid, groups, extra } = user;
    text = JSON.stringify({
      ...(name !== '' && { username: name }),
      ...(uid && { uid }),
      ...(groups.length > 0 && { groups }),
      ...(extra && { extra }),
    });
    users.set(user, text);
  }
  return text;
}

function referenceJson({ resource, namespace, name, uid, apiGroup, apiVersion, resourceVersion, subresource }: ObjectReference): string {
  let text = `{"resource":${quoted(resource)}`;
  if (namespace) text += `,"namespace":${quoted(namespace)}`;
  if (name) text += `,"name":${quoted(name)}`;
  if (uid) text += `,"uid":${quoted(uid)}`;
  if (apiGroup) text += `,"apiGroup":${quoted(apiGroup)}`;
  text += `,"apiVersion":${quoted(apiVersion)}`;
  if (resourceVersion) text += `,"resourceVersion":${quoted(resourceVersion)}`;
  if (subresource) text += `,"subresource":${quoted(subresource)}`;
  return `${text}}`;
}

/** Of most requests nothing is told but the code. */
function statusJson(status: JsonObject): string {
  const { code, metadata } = status;
  if (typeof code !== 'number' || Object.keys(status).length !== 2 || !metadata) return JSON.stringify(status);
  return `{"metadata":{},"code":${code}}`;
}

/** Keys in order, as Go writes a map. */
function annotationsJson(annotations: ReadonlyMap<string, string>): string {
  let [text, last, inOrder] = ['', '', true];
  for (const [key, value] of annotations) {
    inOrder &&= last < key;
    last = key;
    text += `${text === '' ? '' : ','}${quoted(key)}:${quotedOften(value)}`;
  }
  if (inOrder) return `{${text}}`;
  return annotationsJson(new Map([...annotations].toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

/** A text as JSON. Nearly all need no escapes, and to see that is quicker than to have them looked for. */
function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

const plain = /^[ !#-[\]-~]*$/;

const often = new Map<string, string>();
const maxOften = 256;

/** For texts that come again and again, such as why a user may do something. */
function quotedOften(text: string): string {
  let json = often.get(text);
  if (json === undefined) {
    json = quoted(text);
    if (often.size >= maxOften) often.clear();
    often.set(text, json);
  }
  return json;
}

/** The second that was written last: thousands of events share one. */
let lastSecond = { second: NaN, text: '' };

function timeText(ms: number): string {
  const second = Math.floor(ms / 1000);
  // Up to the decimals.
  if (lastSecond.second !== second) lastSecond = { second, text: formatMicroTime(second * 1000).slice(0, -'000000Z'.length) };
  return `${lastSecond.text}${String(Math.floor((ms - second * 1000) * 1000)).padStart(6, '0')}Z`;
}
