/** The door of the network policies. */
export { type NetworkPolicies, type NetworkPoliciesConfig, removePolicyTable, startNetworkPolicies } from './network-policies.ts';
export type { NodeService } from './policy-planner.ts';
