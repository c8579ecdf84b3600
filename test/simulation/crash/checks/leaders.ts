/** What must hold of two managers: only the one that holds the Lease writes, whatever the other had in hand when it was stopped. */
import type { ResourceRequest, Transport } from '../../../../src/client/index.ts';
import type { Clock } from '../../../../src/base/index.ts';
import type { History } from '../history.ts';

const leaseName = 'kube-controller-manager';
const uncheckedVerbs: ReadonlySet<string> = new Set(['get', 'list']);
/** Whoever stands for election writes the Lease. */
const unchecked: ReadonlySet<string> = new Set(['leases', 'events']);

/** The transport of one of them, on which every write that is carried out is looked at. */
export function onlyLeaders(inner: Transport, identity: string, history: History, clock: Clock): Transport {
  const holder = (): string | undefined => history.one('Lease', leaseName)?.spec.holderIdentity;
  const request = async (asked: ResourceRequest): ReturnType<Transport['request']> => {
    const before = holder();
    const answer = await inner.request(asked);
    if (uncheckedVerbs.has(asked.verb) || unchecked.has(asked.resource.plural)) return answer;
    const after = holder();
    if (before !== identity && after !== identity) {
      const what = `${asked.verb} ${asked.resource.plural} ${asked.name ?? ''}`;
      history.faults.add(`${history.at(clock.now())}: ${identity} wrote (${what}), and ${after ?? 'nobody'} leads`);
    }
    return answer;
  };
  return { ...inner, request };
}
