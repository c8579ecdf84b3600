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
  text += `"level":"${event.level}","auditID":${JSON.stringify(event.auditID)},"stage":"${event.stage}"`;
  text += `,"requestURI":${JSON.stringify(event.requestURI)},"verb":${JSON.stringify(event.verb)},"user":${user ? userJson(user) : '{}'}`;
  if (impersonatedUser) text += `,"impersonatedUser":${userJson(impersonatedUser)}`;
  if (sourceIPs.length > 0) text += `,"sourceIPs":${JSON.stringify(sourceIPs)}`;
  if (userAgent !== '') text += `,"userAgent":${JSON.stringify(shortened(userAgent))}`;
  if (objectRef) text += `,"objectRef":${referenceJson(objectRef)}`;
  if (responseStatus) text += `,"responseStatus":${JSON.stringify(responseStatus)}`;
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
  let text = `{"resource":${JSON.stringify(resource)}`;
  if (namespace) text += `,"namespace":${JSON.stringify(namespace)}`;
  if (name) text += `,"name":${JSON.stringify(name)}`;
  if (uid) text += `,"uid":${JSON.stringify(uid)}`;
  if (apiGroup) text += `,"apiGroup":${JSON.stringify(apiGroup)}`;
  text += `,"apiVersion":${JSON.stringify(apiVersion)}`;
  if (resourceVersion) text += `,"resourceVersion":${JSON.stringify(resourceVersion)}`;
  if (subresource) text += `,"subresource":${JSON.stringify(subresource)}`;
  return `${text}}`;
}

/** Keys in order, as Go writes a map. */
function annotationsJson(annotations: ReadonlyMap<string, string>): string {
  const keys = [...annotations.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(annotations.get(key))}`).join(',')}}`;
}

/** The millisecond that was written last: many events share one. */
let lastTime = { ms: NaN, text: '' };

function timeText(ms: number): string {
  if (lastTime.ms !== ms) lastTime = { ms, text: formatMicroTime(ms) };
  return lastTime.text;
}
