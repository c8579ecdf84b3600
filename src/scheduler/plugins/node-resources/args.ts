/**
 * Arguments of the resource plugins: which resources count for scoring, how much, and by which strategy.
 * @source kube-scheduler v1.35 apis/config (v1 defaults), validation_pluginargs.go
 */
import { qualifiedNameErrors } from '../../../api/index.ts';
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
  const errors = ignoredResources.flatMap((resource, i) => nameErrors(`ignoredResources[${i}]`, resource));
  ignoredResourceGroups.forEach((group, i) => {
    const path = `ignoredResourceGroups[${i}]`;
    if (group.includes('/')) errors.push(invalid(path, group, "resource group name can't contain '/'"));
    errors.push(...nameErrors(path, group));
  });
  return [...errors, ...strategyErrors(scoringStrategy)];
}

function strategyErrors({ type, resources, requestedToCapacityRatio }: ScoringStrategy): ArgsError[] {
  const errors: ArgsError[] = [];
  if (!['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'].includes(type)) {
    const message = `Unsupported value: "${type}": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`;
    errors.push({ path: 'scoringStrategy.type', message });
  }
  resources.forEach(({ name, weight }, i) => {
    if (Number.isInteger(weight) && weight >= 1 && weight <= 100) return;
    const path = `scoringStrategy.resources[${i}].weight`;
    errors.push(invalid(path, weight, `resource weight of ${name} not in valid range (0, 100]`));
  });
  const path = 'scoringStrategy.requestedToCapacityRatio';
  if (type !== 'RequestedToCapacityRatio') {
    if (requestedToCapacityRatio) errors.push({ path, message: 'Forbidden: must be nil when type is not RequestedToCapacityRatio' });
  } else if (!requestedToCapacityRatio) {
    errors.push({ path, message: 'Required value: must be specified when type is RequestedToCapacityRatio' });
  } else errors.push(...shapeErrors(requestedToCapacityRatio.shape));
  return errors;
}

export function balancedArgsErrors({ resources }: BalancedAllocationArgs): ArgsError[] {
  const errors: ArgsError[] = [];
  const seen = new Set<string>();
  resources.forEach(({ name, weight }, i) => {
    if (seen.has(name)) errors.push({ path: `resources[${i}].name`, message: `Duplicate value: "${name}"` });
    seen.add(name);
    if (weight !== 1) errors.push(invalid(`resources[${i}].weight`, weight, 'must be 1'));
  });
  return errors;
}

function shapeErrors(shape: readonly ShapePoint[] = []): ArgsError[] {
  const path = 'scoringStrategy.requestedToCapacityRatio.shape';
  if (shape.length === 0) return [{ path, message: 'Required value: at least one point must be specified' }];
  const errors: ArgsError[] = [];
  const unsorted = shape.findIndex(({ utilization }, i) => i > 0 && utilization <= shape[i - 1]!.utilization);
  if (unsorted > 0) {
    errors.push(invalid(`${path}[${unsorted}].utilization`, shape[unsorted]!.utilization, 'values must be sorted in increasing order'));
  }
  shape.forEach(({ utilization, score }, i) => {
    if (!(utilization >= 0 && utilization <= 100)) {
      errors.push(invalid(`${path}[${i}].utilization`, utilization, 'not in valid range [0, 100]'));
    }
    if (!(score >= 0 && score <= 10)) errors.push(invalid(`${path}[${i}].score`, score, 'not in valid range [0, 10]'));
  });
  return errors;
}

function nameErrors(path: string, name: string): ArgsError[] {
  return qualifiedNameErrors(name).map((fault) => invalid(path, name, fault));
}

function invalid(path: string, value: string | number, why: string): ArgsError {
  return { path, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}
