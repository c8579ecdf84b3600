/**
 * Arguments of the resource plugins: which resources count for scoring, how much, and by which strategy.
 * @source kube-scheduler v1.35 apis/config (v1 defaults), validation_pluginargs.go
 */
import type { ArgsError } from '../../framework/index.ts';

export interface ScoredResource {
  readonly name: string;
  readonly weight: number;
}

export interface ShapePoint {
  /** Percent of the capacity, 0…100. */
  readonly utilization: number;
  /** 0…10. */
  readonly score: number;
}

export type ScoringStrategyType = 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';

export interface ScoringStrategy {
  readonly type: ScoringStrategyType;
  readonly resources: readonly ScoredResource[];
  readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] };
}

export interface NodeResourcesFitArgs {
  /** Extended resources that the filter leaves to others. */
  readonly ignoredResources: readonly string[];
  /** The same by the part before the slash. */
  readonly ignoredResourceGroups: readonly string[];
  readonly scoringStrategy: ScoringStrategy;
}

export interface BalancedAllocationArgs {
  readonly resources: readonly ScoredResource[];
}

const cpuAndMemory: readonly ScoredResource[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

export function defaultFitArgs(given: Readonly<Record<string, unknown>>): NodeResourcesFitArgs {
  const { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy } = given as Partial<NodeResourcesFitArgs>;
  return {
    ignoredResources,
    ignoredResourceGroups,
    scoringStrategy: { type: 'LeastAllocated', ...scoringStrategy, resources: withDefaults(scoringStrategy?.resources) },
  };
}

export function defaultBalancedArgs(given: Readonly<Record<string, unknown>>): BalancedAllocationArgs {
  return { resources: withDefaults((given as Partial<BalancedAllocationArgs>).resources) };
}

function withDefaults(resources: readonly Partial<ScoredResource>[] | undefined): readonly ScoredResource[] {
  if (!resources || resources.length === 0) return cpuAndMemory;
  return resources.map(({ name = '', weight }) => ({ name, weight: weight || 1 }));
}

export function fitArgsErrors({ ignoredResources, ignoredResourceGroups, scoringStrategy }: NodeResourcesFitArgs): ArgsError[] {
  const errors: ArgsError[] = [];
  ignoredResourceGroups.forEach((group, i) => {
    if (!group.includes('/')) return;
    errors.push({ path: `ignoredResourceGroups[${i}]`, message: `Invalid value: "${group}": resource group name can't contain '/'` });
  });
  ignoredResources.forEach((resource, i) => {
    if (resource !== '') return;
    errors.push({ path: `ignoredResources[${i}]`, message: 'Invalid value: "": name part must be non-empty' });
  });
  const { type, resources, requestedToCapacityRatio } = scoringStrategy;
  if (!['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'].includes(type)) {
    const message = `Unsupported value: "${type}": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`;
    errors.push({ path: 'scoringStrategy.type', message });
  }
  errors.push(...resourceErrors(resources, 'scoringStrategy.resources', 100));
  if (type === 'RequestedToCapacityRatio') errors.push(...shapeErrors(requestedToCapacityRatio?.shape ?? []));
  return errors;
}

export function balancedArgsErrors({ resources }: BalancedAllocationArgs): ArgsError[] {
  const errors = resourceErrors(resources, 'resources', 1);
  const seen = new Set<string>();
  resources.forEach(({ name }, i) => {
    if (seen.has(name)) errors.push({ path: `resources[${i}].name`, message: `Duplicate value: "${name}"` });
    seen.add(name);
  });
  return errors;
}

function resourceErrors(resources: readonly ScoredResource[], path: string, maxWeight: number): ArgsError[] {
  return resources.flatMap(({ name, weight }, i) => {
    if (Number.isInteger(weight) && weight >= 1 && weight <= maxWeight) return [];
    const range = maxWeight === 1 ? 'must be 1' : 'not in valid range [1-100]';
    return [{ path: `${path}[${i}].weight`, message: `Invalid value: ${weight}: resource weight of ${name} ${range}` }];
  });
}

function shapeErrors(shape: readonly ShapePoint[]): ArgsError[] {
  const path = 'scoringStrategy.requestedToCapacityRatio.shape';
  if (shape.length === 0) return [{ path, message: 'Required value: at least one point must be specified' }];
  return shape.flatMap(({ utilization, score }, i) => {
    const errors: ArgsError[] = [];
    if (utilization < 0 || utilization > 100) {
      errors.push({ path: `${path}[${i}].utilization`, message: `Invalid value: ${utilization}: not in valid range [0-100]` });
    }
    if (i > 0 && utilization <= shape[i - 1]!.utilization) {
      errors.push({
        path: `${path}[${i}].utilization`,
        message: `Invalid value: ${utilization}: utilization values must be sorted in increasing order`,
      });
    }
    if (score < 0 || score > 10)
      errors.push({ path: `${path}[${i}].score`, message: `Invalid value: ${score}: not in valid range [0-10]` });
    return errors;
  });
}
