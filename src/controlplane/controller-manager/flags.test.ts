import { describe, expect, it } from 'vitest';
import { readFlagWords } from '../../api/flags/index.ts';
import { controllerManagerFlags, controllersOptions, readControllerManagerFlags } from './flags.ts';

function read(...words: readonly string[]): ReturnType<typeof readControllerManagerFlags> {
  const { given, faults } = readFlagWords(controllerManagerFlags, words);
  expect(faults).toEqual([]);
  return readControllerManagerFlags(given);
}

describe('flags of the controller manager', () => {
  it.each([
    ['--mirroring-max-endpoints-per-subset=0', 'mirroring-max-endpoints-per-subset cannot be less than 1'],
    ['--mirroring-max-endpoints-per-subset=1001', 'mirroring-max-endpoints-per-subset cannot be more than 1000'],
    ['--legacy-service-account-token-clean-up-period=0s', 'invalid CleanUpPeriod: 0s'],
    ['--cloud-provider=aws', '--cloud-provider=aws is not supported: there are no cloud controllers'],
    ['--enable-dynamic-provisioning=false', '--enable-dynamic-provisioning=false is not supported'],
    ['--profiling', '--profiling=true is not supported: there are no profiles to serve'],
  ])('%s is refused', (word, fault) => {
    expect(read(word).faults).toEqual([fault]);
  });

  it('are taken as kubeadm and those who harden a cluster give them', () => {
    const { faults, values } = read(
      '--allocate-node-cidrs=true',
      '--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--bind-address=127.0.0.1',
      '--client-ca-file=/etc/kubernetes/pki/ca.crt',
      '--cluster-cidr=10.244.0.0/16',
      '--cluster-name=kubernetes',
      '--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt',
      '--cluster-signing-key-file=/etc/kubernetes/pki/ca.key',
      '--controllers=*,bootstrapsigner,tokencleaner',
      '--kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--leader-elect=true',
      '--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt',
      '--root-ca-file=/etc/kubernetes/pki/ca.crt',
      '--service-account-private-key-file=/etc/kubernetes/pki/sa.key',
      '--service-cluster-ip-range=10.96.0.0/12',
      '--use-service-account-credentials=true',
      '--profiling=false',
      '--terminated-pod-gc-threshold=1000',
      '--cloud-provider=external',
      '--kube-api-qps=50',
      '--kube-api-burst=100',
    );
    expect(faults).toEqual([]);
    expect(controllersOptions(values).nodeIpam).toEqual({ clusterCidrs: ['10.244.0.0/16'], serviceCidrs: ['10.96.0.0/12'] });
  });

  it('say when what nobody owns stays', () => {
    expect(controllersOptions(read('--enable-garbage-collector=false').values).only).toEqual(['-garbage-collector-controller', '*']);
    expect(controllersOptions(read('--enable-garbage-collector=false', '--controllers=*,tokencleaner').values).only).toEqual([
      '-garbage-collector-controller',
      '*',
      'tokencleaner',
    ]);
    expect(controllersOptions(read('--enable-garbage-collector').values).only).toBeUndefined();
  });

  it('reach the controllers that they name', () => {
    const { values } = read(
      '--legacy-service-account-token-clean-up-period=48h',
      '--mirroring-endpointslice-updates-batch-period=2s',
      '--mirroring-max-endpoints-per-subset=7',
      '--pvclaimbinder-sync-period=3s',
    );
    expect(controllersOptions(values)).toMatchObject({
      legacyTokens: { cleanUpPeriodMs: 172_800_000 },
      endpointSliceMirroring: { updateBatchMs: 2_000, maxEndpointsPerSubset: 7 },
      persistentVolume: { syncPeriodMs: 3_000 },
    });
  });
});
