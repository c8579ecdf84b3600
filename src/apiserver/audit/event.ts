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

/** @param isItem an item of a list says no kind of its own */
export function eventJson(event: AuditEvent, isItem = false): string {
  const { user, impersonatedUser, userAgent, annotations, sourceIPs } = event;
  const head = {
    ...(!isItem && { kind: 'Event', apiVersion: 'audit.k8s.io/v1' }),
    level: event.level,
    auditID: event.auditID,
    stage: event.stage,
    requestURI: event.requestURI,
    verb: event.verb,
    user: user ? userObject(user) : {},
    ...(impersonatedUser && { impersonatedUser: userObject(impersonatedUser) }),
    ...(sourceIPs.length > 0 && { sourceIPs }),
    ...(userAgent !== '' && { userAgent: userAgent.length > maxUserAgent ? `${userAgent.slice(0, maxUserAgent)}...TRUNCATED` : userAgent }),
    ...(event.objectRef && { objectRef: orderedReference(event.objectRef) }),
    ...(event.responseStatus && { responseStatus: event.responseStatus }),
  };
  const tail = {
    requestReceivedTimestamp: formatMicroTime(event.receivedMs),
    stageTimestamp: formatMicroTime(event.stageMs),
    ...(annotations && { annotations: Object.fromEntries([...annotations].toSorted(([a], [b]) => (a < b ? -1 : 1))) }),
  };
  const bodies = [
    event.requestObject === undefined ? '' : `"requestObject":${event.requestObject},`,
    event.responseObject === undefined ? '' : `"responseObject":${event.responseObject},`,
  ];
  return `${JSON.stringify(head).slice(0, -1)},${bodies.join('')}${JSON.stringify(tail).slice(1)}`;
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
  return `${formatMicroTime(event.receivedMs)} AUDIT: ${text} response="${typeof code === 'number' ? code : '<deferred>'}"`;
}

function userObject({ name, uid, groups, extra }: UserInfo): JsonObject {
  return {
    ...(name !== '' && { username: name }),
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
}

function orderedReference(reference: ObjectReference): ObjectReference {
  const { resource, namespace, name, uid, apiGroup, apiVersion, resourceVersion, subresource } = reference;
  return {
    resource,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(uid && { uid }),
    ...(apiGroup && { apiGroup }),
    apiVersion,
    ...(resourceVersion && { resourceVersion }),
    ...(subresource && { subresource }),
  };
}
