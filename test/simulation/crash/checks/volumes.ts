/**
 * What must hold of claims and volumes: a claim is bound to one volume for ever, a volume is given to one claim and to no other, and a
 * claim is said to be bound only when its volume says the same.
 */
import type { corev1 } from '../../../../src/api/index.ts';
import type { Check, History } from '../history.ts';

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

export const boundOneToOne: Check = ({ kind, old, now }, history) => {
  if (!now) return [];
  if (kind === 'PersistentVolume') return volumeFaults(old as Volume | undefined, now as Volume);
  return kind === 'PersistentVolumeClaim' ? claimFaults(old as Claim | undefined, now as Claim, history) : [];
};

function volumeFaults(old: Volume | undefined, now: Volume): string[] {
  const [before, after] = [old?.spec.claimRef?.uid, now.spec.claimRef?.uid];
  return before && after && before !== after ? [`volume ${now.metadata.name} was taken from claim ${before} and given to ${after}`] : [];
}

function claimFaults(old: Claim | undefined, now: Claim, history: History): string[] {
  const { name, uid } = now.metadata;
  const [before, after] = [old?.metadata.uid === uid ? old.spec.volumeName : undefined, now.spec.volumeName];
  const faults: string[] = [];
  if (before && before !== after) faults.push(`claim ${name} was bound to ${before} and then to ${after}`);
  if (!after || before) return faults;
  for (const other of history.all('PersistentVolumeClaim')) {
    if (other.metadata.uid !== uid && other.spec.volumeName === after)
      faults.push(`claims ${name} and ${other.metadata.name} are bound to ${after}`);
  }
  const given = history.one('PersistentVolume', after)?.spec.claimRef?.uid;
  if (given !== uid) faults.push(`claim ${name} is bound to ${after}, which is given to ${given ?? 'nobody'}`);
  return faults;
}

/** Whether every claim that a pod uses has its volume, and every volume its claim, or none. A claim may wait for a pod for ever. */
export function boundVolumes(history: History): boolean {
  const claims = new Map([...history.all('PersistentVolumeClaim')].map((claim) => [claim.metadata.uid, claim]));
  const isBound = (claim: Claim): boolean => {
    const volume = history.one('PersistentVolume', claim.spec.volumeName ?? '');
    return claim.status?.phase === 'Bound' && volume?.spec.claimRef?.uid === claim.metadata.uid && volume.status?.phase === 'Bound';
  };
  const used = new Set(
    [...history.all('Pod')].flatMap(({ spec }) => (spec.volumes ?? []).map((volume) => volume.persistentVolumeClaim?.claimName)),
  );
  return (
    [...claims.values()].every((claim) => isBound(claim) || (!claim.spec.volumeName && !used.has(claim.metadata.name))) &&
    [...history.all('PersistentVolume')].every(({ metadata, spec, status }) => {
      const { claimRef } = spec;
      const claim = claimRef && claims.get(claimRef.uid ?? '');
      if (claim) return claim.spec.volumeName === metadata.name;
      return status?.phase === (claimRef ? 'Released' : 'Available');
    })
  );
}
