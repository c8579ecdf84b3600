/** Prefers nodes whose resources stay in balance, so that none runs out while the others lie idle. @source kube-scheduler v1.35 plugins/noderesources */
import { amountOf, type Plugin, type PluginFactory, resourceIndex, skip } from '../../framework/index.ts';
import { type BalancedAllocationArgs, balancedArgsErrors, defaultBalancedArgs } from './args.ts';
import { isScalarResource } from './fit.ts';
import { BalanceScorer } from './scorers.ts';

const name = 'NodeResourcesBalancedAllocation';

export const nodeResourcesBalancedAllocation: PluginFactory<BalancedAllocationArgs> = {
  name,
  defaultArgs: defaultBalancedArgs,
  validateArgs: balancedArgsErrors,
  create: ({ resources }): Plugin => {
    const scored = resources.map((resource) => ({ index: resourceIndex(resource.name), isScalar: isScalarResource(resource.name) }));
    const scorer = new BalanceScorer();
    return {
      name,
      events: [],
      // A pod that asks for nothing moves no balance.
      preScore: (_state, { amounts }) => (scored.every(({ index }) => amountOf(amounts, index) === 0) ? skip : undefined),
      scoreScope: 'node',
      score: (_state, { amounts }, node) => {
        scorer.start();
        for (const { index, isScalar } of scored) {
          const wanted = amountOf(amounts, index);
          const capacity = node.allocatable(index);
          if (capacity === 0 || (isScalar && wanted === 0)) continue;
          scorer.add(node.requested(index) + wanted, capacity);
        }
        return scorer.finish();
      },
    };
  },
};
