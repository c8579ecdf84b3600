/** The two plugins that look at nothing: one lets everything pass, the other nothing. @source kubernetes plugin/pkg/admission/{admit,deny}, v1.35 */
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { refusal } from './refusal.ts';

export const alwaysAdmit: AdmissionPlugin = { name: 'AlwaysAdmit', handles: () => false };

const deny = (request: AdmissionRequest): never => {
  throw refusal(request, 'admission control is denying all modifications');
};

export const alwaysDeny: AdmissionPlugin = { name: 'AlwaysDeny', handles: () => true, mutate: deny, validate: deny };
