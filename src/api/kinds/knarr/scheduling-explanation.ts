/** SchedulingExplanation: made when somebody asks, stored nowhere; it has the name of the pod that it is about. */
import type { ResourceDefinition } from '../../resource-definition.ts';
import { type SchedulingExplanation, schedulingKnarrResources } from '../../scheduling-explanation.ts';
import { defineResource } from '../define-resource.ts';
import { column, nameColumn } from '../standard-columns.ts';

/** Served where the scheduler can be asked. */
export const schedulingExplanationResources: readonly ResourceDefinition[] = [
  defineResource<SchedulingExplanation>({
    ref: schedulingKnarrResources.schedulingExplanations,
    singular: 'schedulingexplanation',
    verbs: ['get'],
    computed: true,
    columns: [
      nameColumn,
      column('Verdict', 'string', '', ({ verdict }) => verdict),
      column('Fits', 'string', '', ({ nodes }) => `${nodes.filter(({ fits }) => fits).length}/${nodes.length}`),
      column('Message', 'string', '', ({ message }) => message),
    ],
    strategy: { validate: () => [], validateUpdate: () => [] },
  }),
];
