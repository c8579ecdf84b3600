/**
 * Drives a cluster with kubernetes-fluent-client, which takes its cluster from KUBECONFIG: a program of its own, since it keeps one for a
 * process. Argument: the namespace. Prints what it saw as JSON.
 */
import { K8s, kind } from 'kubernetes-fluent-client';

const namespace = process.argv[2]!;
const seen: Record<string, unknown> = {};

const applied = await K8s(kind.ConfigMap).Apply({ metadata: { name: 'settings', namespace, labels: { app: 'fluent' } }, data: { a: '1' } });
seen['applied'] = applied.data;
seen['appliedAgain'] = (await K8s(kind.ConfigMap).Apply({ metadata: { name: 'settings', namespace }, data: { b: '2' } })).data;
seen['got'] = (await K8s(kind.ConfigMap).InNamespace(namespace).Get('settings')).metadata?.name;
await K8s(kind.Secret).Create({ metadata: { name: 'password', namespace }, stringData: { p: 'w' } });
seen['secret'] = (await K8s(kind.Secret).InNamespace(namespace).Get('password')).data?.['p'];
seen['patched'] = (await K8s(kind.ConfigMap, { namespace, name: 'settings' }).Patch([{ op: 'add', path: '/data/c', value: '3' }])).data;

const events: string[] = [];
const told = Promise.withResolvers<void>();
const watcher = K8s(kind.Pod)
  .InNamespace(namespace)
  .Watch((pod, phase) => {
    const event = `${phase} ${pod.metadata?.name}`;
    events.push(event);
    if (event.startsWith('DELETED')) told.resolve();
  });
await watcher.start();
await K8s(kind.Pod).Apply({
  metadata: { name: 'watched', namespace },
  spec: { nodeSelector: { nobody: 'matches' }, containers: [{ name: 'main', image: 'image' }] },
});
await K8s(kind.Pod).InNamespace(namespace).Delete('watched');
await told.promise;
watcher.close();
seen['events'] = [events[0], events.at(-1)];

try {
  await K8s(kind.ConfigMap).InNamespace(namespace).Get('nobody');
} catch (error) {
  seen['missing'] = (error as { readonly status?: number }).status;
}
process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exit(0);
