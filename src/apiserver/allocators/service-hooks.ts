/**
 * Allocation around the writes of Services: addresses and ports are taken at once in the pools; then each new address gets its
 * object, which may turn out to be somebody else's. Then another address is tried, unless this one was asked for.
 */
import type { corev1, Draft } from '../../api/index.ts';
import { assert } from '../../base/index.ts';
import type { HookOutcome, ResourceHooks } from '../extension.ts';
import { type AddressObjects, nameOf } from './address-objects.ts';
import { canonicalAddress } from './service-addresses.ts';
import { claimsOf, refuseAddress, type ServiceAllocator } from './service-allocator.ts';

type Service = Draft<corev1.Service>;

/** Addresses that are tried when others are faster: each loss means that somebody else got one. */
const maxAttempts = 20;

export function serviceHooks(allocator: ServiceAllocator, objects: AddressObjects): ResourceHooks<corev1.Service> {
  return {
    beginCreate: (service, { dryRun = false }) =>
      dryRun || !objects.areServed
        ? allocator.beginCreate(service, { dryRun })
        : withObjects({ service, old: undefined, objects, begin: () => allocator.beginCreate(service, { dryRun }) }),
    beginUpdate: (service, old, { dryRun = false }) =>
      dryRun || !objects.areServed
        ? allocator.beginUpdate(service, old, { dryRun })
        : withObjects({ service, old, objects, begin: () => allocator.beginUpdate(service, old, { dryRun }) }),
    afterDelete: (service) => objects.release(claimsOf(service).addresses, nameOf(service)),
  };
}

interface Allocation {
  readonly service: Service;
  readonly old: corev1.Service | undefined;
  readonly objects: AddressObjects;
  readonly begin: () => HookOutcome;
}

function withObjects(allocation: Allocation): HookOutcome | Promise<HookOutcome> {
  const { service, old, begin } = allocation;
  const wish = structuredClone(service.spec);
  const outcome = begin();
  const [fresh, freed] = changesOf(service, old);
  if (fresh.length === 0 && freed.length === 0) return outcome;
  return claimObjects(allocation, outcome, wish);
}

async function claimObjects(allocation: Allocation, first: HookOutcome, wish: Service['spec']): Promise<HookOutcome> {
  const { service, old, objects, begin } = allocation;
  let outcome = first;
  for (let attempt = 1; ; attempt++) {
    const [fresh, freed] = changesOf(service, old);
    const lost = await claimAll(fresh, allocation, outcome);
    if (lost === undefined) {
      return {
        committed: () => {
          outcome.committed();
          void objects.release(freed, nameOf(service));
        },
        abandoned: () => {
          outcome.abandoned();
          void objects.release(fresh, nameOf(service));
        },
      };
    }
    outcome.abandoned();
    const asked = wish.clusterIPs ?? [];
    if (asked.map(canonicalAddress).includes(lost) || attempt === maxAttempts) {
      const places = (service.spec.ipFamilies ?? []).map((_, i) => asked[i] ?? '');
      refuseAddress(service, { asked: places, address: lost }, 'provided IP is already allocated');
    }
    service.spec = structuredClone(wish);
    outcome = begin();
  }
}

/** Makes the objects of all addresses. @returns the address that is somebody else's, undefined when all are ours */
async function claimAll(addresses: readonly string[], { service, objects }: Allocation, outcome: HookOutcome): Promise<string | undefined> {
  assert(addresses.length <= 2, 'a Service has an address of each family');
  for (const [i, address] of addresses.entries()) {
    try {
      if (await objects.claim(address, nameOf(service))) continue;
    } catch (error) {
      outcome.abandoned();
      throw error;
    }
    await objects.release(addresses.slice(0, i), nameOf(service));
    return address;
  }
  return undefined;
}

/** Addresses that the write adds, and those that it gives back. */
function changesOf(service: Service, old: corev1.Service | undefined): [fresh: readonly string[], freed: readonly string[]] {
  const now = claimsOf(service).addresses;
  const before = claimsOf(old).addresses;
  return [[...now].filter((address) => !before.has(address)), [...before].filter((address) => !now.has(address))];
}
