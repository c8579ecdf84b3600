/**
 * A scheduler plugin: nodes labelled `example.com/quiet` take no pods but those that ask for quiet, and of the quiet nodes the emptiest is
 * best. Run it by `knarr scheduler --config config.yaml --plugin ./quiet-nodes.js`, or inside a local cluster by
 * `knarr up --extra-config=scheduler.config=config.yaml --extra-config=scheduler.plugin=quiet-nodes.js`.
 */
const name = 'QuietNodes';

/** One constant for all nodes: equal answers are counted together in the pod's message. */
const tooLoud = { code: 'UnschedulableAndUnresolvable', reasons: ['node(s) are kept quiet'] };

export const plugin = {
  name,

  /** Arguments as `pluginConfig` gives them, with defaults. */
  defaultArgs: ({ label = 'example.com/quiet' }) => ({ label }),
  validateArgs: ({ label }) => (typeof label === 'string' && label !== '' ? [] : [{ path: 'label', message: 'Required value' }]),

  create: ({ label }, { log }) => {
    log.info('quiet nodes are kept quiet', { label });
    return {
      name,
      // What can make a rejected pod fit: another node, or another label on one. 1 is Add, 8 is UpdateNodeLabel (`Action` of the package).
      events: [{ resource: 'Node', actions: 1 | 8 }],
      filter: (_state, { pod }, node) => {
        const wantsQuiet = pod.spec.nodeSelector?.[label] !== undefined;
        return node.labels?.[label] === undefined || wantsQuiet ? undefined : tooLoud;
      },
      // This answer follows from the pod's spec and the node alone, so the scheduler may remember it.
      filterScope: 'node',
      score: (_state, _pod, node) => (node.labels?.[label] === undefined ? 0 : Math.max(0, 100 - node.podCount)),
      scoreScope: 'node',
    };
  },
};
