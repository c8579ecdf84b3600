/** Says on every FlowSchema whether the priority level that it names is there. @source apiserver util/flowcontrol/apf_controller.go */
import { flowcontrolv1Resources, type flowcontrolv1, isApiError } from '../../api/index.ts';
import { type Clock, formatTime } from '../../base/index.ts';
import type { Operation, Registry } from '../storage.ts';

const { flowschemas, prioritylevelconfigurations } = flowcontrolv1Resources;
const options = { fieldManager: 'api-priority-and-fairness-config-consumer-v1', subresource: 'status' } as const;

/** @throws ApiError when the registry refuses */
export async function tellDangling(registry: Registry, op: Operation, clock: Clock): Promise<void> {
  for (const schema of registry.cachedList(flowschemas)) {
    const level = schema.spec.priorityLevelConfiguration.name;
    const wanted = conditionFor(level, registry.cached(prioritylevelconfigurations, { namespace: '', name: level }) !== undefined);
    const told = conditionOf(schema);
    if (told?.status === wanted.status && told.reason === wanted.reason && told.message === wanted.message) continue;
    try {
      await registry.storage(flowschemas).guaranteedUpdate(
        { namespace: '', name: schema.metadata.name },
        (draft) => {
          const others = (draft.status.conditions ?? []).filter(({ type }) => type !== 'Dangling');
          const isSame = told?.status === wanted.status;
          const lastTransitionTime = (isSame && told?.lastTransitionTime) || formatTime(clock.now());
          draft.status = { conditions: [...others, { type: 'Dangling', ...wanted, lastTransitionTime }] };
        },
        options,
        op,
      );
    } catch (error) {
      if (!isApiError(error, 'NotFound')) throw error;
    }
  }
}

function conditionOf({ status }: flowcontrolv1.FlowSchema): flowcontrolv1.FlowSchemaCondition | undefined {
  return status.conditions?.find(({ type }) => type === 'Dangling');
}

function conditionFor(level: string, exists: boolean): { readonly status: string; readonly reason: string; readonly message: string } {
  const names = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  return exists
    ? { status: 'False', reason: 'Found', message: `${names} and it exists` }
    : { status: 'True', reason: 'NotFound', message: `${names} but there is no such object` };
}
