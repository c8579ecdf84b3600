/**
 * What the control plane does for Ingresses: makes the class, and writes into each status where its requests are taken: the addresses of
 * the nodes that serve. When the controller is turned off, both go again.
 */
import { isApiError, type networkingv1, networkingv1Resources, corev1Resources, type Unsaved, type corev1 } from '../api/index.ts';
import { type Clock, type Ctx, isAbort, type TaskGroup } from '../base/index.ts';
import { type Client, type Controller, done, type InformerFactory, keyOf, splitKey } from '../client/index.ts';
import { className, controllerName, ownClassNames, ownIngresses } from './own-ingresses.ts';
import { servingNodes } from './problem-speaker.ts';

const managedBy = { 'app.kubernetes.io/managed-by': 'knarr' };
const defaultMark = 'ingressclass.kubernetes.io/is-default-class';
const retryMs = 500;

export interface IngressKeeperContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly group: TaskGroup;
}

/** Makes the class `knarr` unless it is there; the default one when there is no other. A class of that name that is not ours stays as it is. */
export function makeIngressClass({ client, clock, group }: IngressKeeperContext): void {
  group.spawn('ingress class', (ctx) =>
    untilAnswered('make the IngressClass', clock, ctx, async () => {
      const { items } = await client.list(networkingv1Resources.ingressclasses, { signal: ctx.signal });
      const found = items.find(({ metadata }) => metadata.name === className);
      if (!found)
        await client.create(networkingv1Resources.ingressclasses, ingressClass({ isDefault: items.length === 0 }), { signal: ctx.signal });
      else if (found.spec.controller !== controllerName)
        ctx.log.warn(`IngressClass "${className}" belongs to another controller`, { controller: found.spec.controller });
    }),
  );
}

/** Takes back what the controller wrote, when it is turned off after it was on. Asks for one object when it never was. */
export function retireIngress({ client, clock, group }: IngressKeeperContext): void {
  group.spawn('ingress retired', (ctx) =>
    untilAnswered('clear what the Ingress controller wrote', clock, ctx, async () => {
      const { signal } = ctx;
      const { items: classes } = await client.list(networkingv1Resources.ingressclasses, { signal });
      const made = classes.find(({ metadata, spec }) => metadata.name === className && spec.controller === controllerName);
      if (!made) return;
      const { items } = await client.list(networkingv1Resources.ingresses, { signal });
      for (const ingress of ownIngresses(items, ownClassNames(classes))) await writeAddresses(client, ingress, [], ctx);
      if (made.metadata.labels?.['app.kubernetes.io/managed-by'] === 'knarr')
        await client.delete(networkingv1Resources.ingressclasses, { name: className }, { signal });
    }),
  );
}

/** Keeps the status of every Ingress of ours. */
export function createIngressStatusController(client: Client, informers: InformerFactory): Controller {
  const ingresses = informers.informer(networkingv1Resources.ingresses);
  const classes = informers.informer(networkingv1Resources.ingressclasses);
  const nodes = informers.informer(corev1Resources.nodes);
  return {
    name: 'ingress-status',
    workers: 1,
    setup: (enqueue) => {
      const all = (): void => ingresses.list().forEach((ingress) => enqueue(keyOf(ingress)));
      ingresses.addHandler({ added: (ingress) => enqueue(keyOf(ingress)), updated: (_, ingress) => enqueue(keyOf(ingress)) });
      classes.addHandler({ added: all, updated: all, deleted: all });
      nodes.addHandler({
        added: all,
        updated: (old, node) => {
          if (JSON.stringify(nodeAddresses([old])) !== JSON.stringify(nodeAddresses([node]))) all();
        },
        deleted: all,
      });
    },
    reconcile: async (key, ctx) => {
      const ingress = ingresses.get(splitKey(key));
      if (!ingress || ownIngresses([ingress], ownClassNames(classes.list())).length === 0) return done;
      await writeAddresses(client, ingress, nodeAddresses(nodes.list()), ctx);
      return done;
    },
  };
}

function nodeAddresses(nodes: readonly corev1.Node[]): string[] {
  return servingNodes(nodes).flatMap(({ status }) =>
    (status.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : [])),
  );
}

async function writeAddresses(client: Client, ingress: networkingv1.Ingress, addresses: readonly string[], { signal }: Ctx): Promise<void> {
  const wanted = addresses.map((ip) => ({ ip }));
  if (JSON.stringify(ingress.status.loadBalancer?.ingress ?? []) === JSON.stringify(wanted)) return;
  const body = { status: { loadBalancer: wanted.length > 0 ? { ingress: wanted } : null } };
  const { namespace, name } = ingress.metadata;
  try {
    await client.patch(
      networkingv1Resources.ingresses,
      { namespace, name },
      { type: 'application/merge-patch+json', body, subresource: 'status' },
      { signal },
    );
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}

function ingressClass({ isDefault }: { readonly isDefault: boolean }): Unsaved<networkingv1.IngressClass> {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: className, labels: managedBy, ...(isDefault && { annotations: { [defaultMark]: 'true' } }) },
    spec: { controller: controllerName },
  };
}

async function untilAnswered(what: string, clock: Clock, ctx: Ctx, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (err) {
      if (isAbort(err, ctx.signal) || !isApiError(err)) throw err;
      ctx.log.warn(`cannot ${what}`, { err });
      await clock.sleep(retryMs, ctx.signal);
    }
  }
}
