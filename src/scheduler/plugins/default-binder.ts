/** Binds through the pod's `binding` subresource, for the very pod that was judged. @source kube-scheduler v1.35 plugins/defaultbinder */
import { corev1Resources } from '../../api/index.ts';
import type { Plugin, PluginFactory } from '../framework/index.ts';

const name = 'DefaultBinder';

export const defaultBinder: PluginFactory = {
  name,
  create: (_args, { client }): Plugin => ({
    name,
    events: [],
    bind: async (_state, { pod }, node, signal) => {
      const { namespace, name: podName, uid } = pod.metadata;
      const body = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: podName, ...(namespace && { namespace }), uid },
        target: { kind: 'Node', name: node },
      };
      await client.subresource(corev1Resources.pods, { namespace, name: podName }, { name: 'binding', verb: 'create', body }, { signal });
      return undefined;
    },
  }),
};
