/** Manifests that several end-to-end tests use. */
import { redis, toolbox } from './images.ts';

/** A pod that sleeps, with a shell to look around in. */
export const sleeper = (name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: toolbox, args: ['-c', 'echo started; exec sleep 100000'] }],
    },
  });

/** A Deployment, by default called web, of web servers that say their name and a version. */
export const web = ({
  name = 'web',
  ...options
}: {
  readonly name?: string;
  readonly replicas: number;
  readonly version?: string;
}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas: options.replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'web',
              image: toolbox,
              args: ['-c', 'mkdir -p /tmp/www; echo "$VERSION $HOSTNAME" > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'],
              env: [{ name: 'VERSION', value: options.version ?? 'v1' }],
              ports: [{ containerPort: 8080, name: 'http' }],
              readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  });

/** Redis as Debian ships it, behind a Service. */
export const redisServer: string = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'redis', labels: { app: 'redis' } },
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: 'redis',
            image: redis,
            ports: [{ containerPort: 6379 }],
            readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 },
          },
        ],
      },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'redis' }, spec: { selector: { app: 'redis' }, ports: [{ port: 6379 }] } },
  ],
});
