/** The door of the network policies. */
export { compilePolicy } from './compiled-policy.ts';
export { type NetworkPolicies, type NetworkPoliciesConfig, removePolicyTable, startNetworkPolicies } from './network-policies.ts';
export { type NodeService, PolicyPlanner } from './policy-planner.ts';
export { policyPodOf } from './policy-pod.ts';
