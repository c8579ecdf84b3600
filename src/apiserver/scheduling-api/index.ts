/**
 * The door of `scheduling.knarr.dev`: why a pod is where it is, or nowhere. The scheduler answers; here it is only asked, by those who may
 * read the pod.
 */
import { type SchedulingExplanation, schedulingKnarrResources, serviceUnavailable } from '../../api/index.ts';
import { resourceAccess, whenAllowed } from '../authorization/index.ts';
import type { ExtensionFactory, TableRenderer } from '../extension.ts';
import { answerComputed } from '../rendering/computed-answer.ts';
import type { ApiResponse } from '../request.ts';

/** Undefined: there is no such pod. `notRunning`: there is no scheduler in this process now. */
export type SchedulingExplainer = (key: {
  readonly namespace: string;
  readonly name: string;
}) => SchedulingExplanation | undefined | 'notRunning';

export interface SchedulingApiOptions {
  readonly explain: SchedulingExplainer;
  readonly tables: TableRenderer;
}

const { group, plural } = schedulingKnarrResources.schedulingExplanations;

export function schedulingApiExtension({ explain, tables }: SchedulingApiOptions): ExtensionFactory {
  return ({ authorize }) => ({
    subresources: {
      [`${plural}.${group}`]: async (ctx, { resource, namespace, name }): Promise<ApiResponse> => {
        const access = resourceAccess({ verb: 'get', apiGroup: '', resource: 'pods', namespace, name });
        return whenAllowed(authorize, ctx.user, access, () =>
          answerComputed<SchedulingExplanation>(ctx, {
            resource,
            tables,
            list: () => [],
            get: (key) => {
              const answer = explain(key);
              if (answer === 'notRunning') throw serviceUnavailable('the scheduler does not run in the process of the API server');
              return answer;
            },
          }),
        );
      },
    },
  });
}
