/**
 * How revisions are written: made, numbered anew, adopted and deleted. Whoever keeps a history asks `settled` first: two revisions of one
 * number come from a cache that does not show the last one yet.
 * @source pkg/controller/history/controller_history.go, v1.35
 */
import {
  type appsv1,
  appsv1Resources,
  isApiError,
  type JsonObject,
  type KubeObject,
  type LabelMatcher,
  newControllerRef,
  type ResourceRef,
  type Unsaved,
} from '../../api/index.ts';
import { type ControllerContext, type Informer, keyOf } from '../../client/index.ts';
import { CaughtUp } from '../caught-up.ts';
import { claim } from '../workload/claim.ts';
import { controlledOrOrphaned, indexByController } from '../workload/control-index.ts';
import { inRevisionOrder } from './revisions.ts';
import { revisionHash, revisionName } from './revision-name.ts';
import { holdsPatch } from './template-patch.ts';

type Revision = appsv1.ControllerRevision;

export const revisionHashLabel = 'controller.kubernetes.io/hash';

export interface NewRevision {
  readonly number: number;
  readonly data: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
}

export class RevisionControl {
  readonly informer: Informer<Revision>;
  readonly #client: ControllerContext['client'];
  readonly #resource: ResourceRef;
  readonly #written: CaughtUp;

  /** @param resource of the owners whose revisions these are */
  constructor({ client, informers, clock }: ControllerContext, resource: ResourceRef) {
    this.#client = client;
    this.#resource = resource;
    this.#written = new CaughtUp(clock);
    this.informer = informers.informer(appsv1Resources.controllerrevisions);
    indexByController(this.informer);
  }

  /** Whether the cache shows all that was written for the owner. */
  settled(owner: KubeObject): boolean {
    return this.#written.isCaughtUp(owner.metadata.uid, this.informer);
  }

  forget(owner: KubeObject): void {
    this.#written.forget(owner.metadata.uid);
  }

  /** The owner's revisions in order, after adopting those without an owner that its selector matches. */
  async owned(owner: KubeObject, selector: LabelMatcher, signal: AbortSignal): Promise<Revision[]> {
    const client = this.#client;
    const candidates = controlledOrOrphaned(this.informer, owner);
    const resource = appsv1Resources.controllerrevisions;
    return inRevisionOrder(await claim({ client, owner, ownerResource: this.#resource, selector, resource, candidates, signal }));
  }

  /**
   * Makes a revision named by its content. A name that other content has counts as a collision, and another is tried.
   * @returns with it, the number of collisions so far
   */
  async create(
    owner: KubeObject,
    { revision, collisionCount }: { readonly revision: NewRevision; readonly collisionCount: number },
    signal: AbortSignal,
  ): Promise<{ readonly revision: Revision; readonly collisionCount: number }> {
    const { data } = revision;
    const labels = { ...revision.labels, [revisionHashLabel]: revisionHash(data, collisionCount) };
    for (let collisions = collisionCount; ; collisions++) {
      const name = revisionName(owner.metadata.name, revisionHash(data, collisions));
      const made = await this.createNamed(owner, { name, revision: { ...revision, labels } }, signal);
      if (made) return { revision: made, collisionCount: collisions };
    }
  }

  /** Makes it, or finds it made before; undefined when the name has other content. */
  async createNamed(
    owner: KubeObject,
    { name, revision }: { readonly name: string; readonly revision: NewRevision },
    signal: AbortSignal,
  ): Promise<Revision | undefined> {
    const { namespace, annotations } = owner.metadata;
    const { number, data, labels } = revision;
    const object: Unsaved<Revision> = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name,
        labels,
        ...(namespace !== undefined && { namespace }),
        ...(annotations && { annotations }),
        ownerReferences: [newControllerRef(owner)],
      },
      data,
      revision: number,
    };
    try {
      return this.#wrote(owner, await this.#client.create(appsv1Resources.controllerrevisions, object, { signal }));
    } catch (error) {
      if (!isApiError(error, 'AlreadyExists')) throw error;
      const taken = await this.#client.get(appsv1Resources.controllerrevisions, { namespace, name }, { signal });
      return holdsPatch(taken, data) ? this.#wrote(owner, taken) : undefined;
    }
  }

  /** @throws ApiError Conflict when the cache is behind */
  async update(owner: KubeObject, changed: Revision, signal: AbortSignal): Promise<Revision> {
    return this.#wrote(owner, await this.#client.update(appsv1Resources.controllerrevisions, changed, { signal }));
  }

  async remove(owner: KubeObject, revision: Revision, signal: AbortSignal): Promise<void> {
    const { uid } = revision.metadata;
    try {
      await this.#client.delete(appsv1Resources.controllerrevisions, revision.metadata, { signal, body: { preconditions: { uid } } });
    } catch (error) {
      if (!isApiError(error, 'NotFound') && !isApiError(error, 'Conflict')) throw error;
    }
    this.#written.deleted(owner.metadata.uid, revision);
  }

  #wrote(owner: KubeObject, revision: Revision): Revision {
    this.#written.wrote(owner.metadata.uid, revision);
    return revision;
  }
}

/** Wakes the owner of a revision that changed, or everyone who would adopt it. */
export function onRevisionChange<T extends KubeObject>(
  informer: Informer<Revision>,
  { owners, kind, selectorOf, wake }: RevisionOwners<T>,
): void {
  const wakeOwner = (revision: Revision): void => {
    const ref = revision.metadata.ownerReferences?.find(({ controller }) => controller);
    const { namespace } = revision.metadata;
    if (!ref) {
      const matching = owners.list(namespace).filter((owner) => selectorOf(owner).matches(revision.metadata.labels));
      for (const owner of matching) wake(keyOf(owner));
    } else if (ref.kind === kind) {
      const owner = owners.get({ namespace, name: ref.name });
      if (owner?.metadata.uid === ref.uid) wake(keyOf(owner));
    }
  };
  informer.addHandler({ added: wakeOwner, updated: (_, revision) => wakeOwner(revision), deleted: wakeOwner });
}

export interface RevisionOwners<T extends KubeObject> {
  readonly owners: Informer<T>;
  readonly kind: string;
  readonly selectorOf: (owner: T) => LabelMatcher;
  readonly wake: (key: string) => void;
}
