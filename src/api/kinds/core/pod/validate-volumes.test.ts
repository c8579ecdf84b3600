import { describe, test } from 'vitest';
import { type Manifest, withField } from '../../strategy.suite.ts';
import { check, goodPod, rows } from './pod-rows.suite.ts';

describe('volumes and mounts', () => {
  const volume = (source: Manifest): Manifest[] => [{ name: 'v', ...source }];
  test.each(
    rows([
      ['spec.volumes', [{ emptyDir: {} }], ['spec.volumes[0].name: Required value']],
      ['spec.volumes', [{ name: 'v' }, { name: 'v' }], ['spec.volumes[1].name: Duplicate value: "v"']],
      [
        'spec.volumes',
        volume({ emptyDir: {}, hostPath: { path: '/' } }),
        ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
      ],
      [
        'spec.volumes',
        volume({ emptyDir: { sizeLimit: '-1' } }),
        ['spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity'],
      ],
      [
        'spec.volumes',
        volume({ hostPath: { path: '/a/../b' } }),
        ['spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\''],
      ],
      [
        'spec.volumes',
        volume({ hostPath: { path: '/a', type: 'Odd' } }),
        [/hostPath\.type: Unsupported value: "Odd": supported values: "", "BlockDevice"/],
      ],
      ['spec.volumes', volume({ hostPath: {} }), ['spec.volumes[0].hostPath.path: Required value']],
      ['spec.volumes', volume({ configMap: {} }), ['spec.volumes[0].configMap.name: Required value']],
      [
        'spec.volumes',
        volume({ secret: { secretName: 's', defaultMode: 0o1000 } }),
        ['spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive'],
      ],
      [
        'spec.volumes',
        volume({ configMap: { name: 'c', items: [{ key: 'a', path: '/x' }] } }),
        ['spec.volumes[0].configMap.items[0].path: Invalid value: "/x": must be a relative path'],
      ],
      [
        'spec.volumes',
        volume({ configMap: { name: 'c', items: [{ key: 'a', path: '..x' }] } }),
        ['spec.volumes[0].configMap.items[0].path: Invalid value: "..x": must not start with \'..\''],
      ],
      [
        'spec.volumes',
        volume({ configMap: { name: 'c', items: [{}] } }),
        ['spec.volumes[0].configMap.items[0].key: Required value', 'spec.volumes[0].configMap.items[0].path: Required value'],
      ],
      [
        'spec.volumes',
        volume({ nfs: { server: 's', path: 'x' } }),
        ['spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path'],
      ],
      ['spec.volumes', volume({ persistentVolumeClaim: {} }), ['spec.volumes[0].persistentVolumeClaim.claimName: Required value']],
      ['spec.volumes', volume({ csi: { driver: 'a b' } }), [/csi\.driver: Invalid value: "a b"/]],
      [
        'spec.volumes',
        volume({ downwardAPI: { items: [{ path: 'a' }] } }),
        ['spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required'],
      ],
      [
        'spec.volumes',
        volume({ downwardAPI: { items: [{ path: 'a', resourceFieldRef: { resource: 'limits.cpu' } }] } }),
        ['spec.volumes[0].downwardAPI.resourceFieldRef.containerName: Required value'],
      ],
      ['spec.volumes', volume({ gcePersistentDisk: {} }), ['spec.volumes[0].persistentDisk.pdName: Required value']],
      [
        'spec.volumes',
        volume({ iscsi: { targetPortal: 'a', iqn: 'x', lun: 300 } }),
        [
          /iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa/,
          /lun: Invalid value: 300: must be between 0 and 255, inclusive/,
        ],
      ],
      ['spec.volumes', volume({ ephemeral: {} }), ['spec.volumes[0].ephemeral.volumeClaimTemplate: Required value']],
      [
        'spec.volumes',
        volume({ ephemeral: { volumeClaimTemplate: { metadata: { name: 'x' }, spec: { accessModes: ['Often'] } } } }),
        [
          'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set',
          /accessModes: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"/,
          'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
        ],
      ],
      ['spec.volumes', volume({ image: {} }), ['spec.volumes[0].image.reference: Required value']],
      [
        'spec.volumes',
        volume({ projected: { sources: [{ secret: { name: 's' }, configMap: { name: 'c' } }] } }),
        ['spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source'],
      ],
      [
        'spec.volumes',
        volume({
          projected: {
            sources: [
              { secret: { name: 's', items: [{ key: 'a', path: 'x' }] } },
              { configMap: { name: 'c', items: [{ key: 'a', path: 'x' }] } },
            ],
          },
        }),
        ['spec.volumes[0].projected: Invalid value: "c": conflicting duplicate paths'],
      ],
      [
        'spec.volumes',
        volume({ projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }] } }),
        [
          /expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes/,
          /serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set/,
        ],
      ],
      ['spec.containers.0.volumeMounts', [{ name: 'x', mountPath: '/x' }], ['spec.containers[0].volumeMounts[0].name: Not found: "x"']],
    ]),
  )('%s', (_name, row) => check(row));

  const mounted = withField(goodPod, 'spec.volumes', [{ name: 'v' }, { name: 'claim', persistentVolumeClaim: { claimName: 'c' } }]);
  test.each(
    rows([
      [
        'spec.containers.0.volumeMounts',
        [
          { name: 'v', mountPath: '/a' },
          { name: 'v', mountPath: '/a' },
        ],
        ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
      ],
      ['spec.containers.0.volumeMounts', [{ name: 'v' }], ['spec.containers[0].volumeMounts[0].mountPath: Required value']],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', subPath: '../b' }],
        ['spec.containers[0].volumeMounts.subPath: Invalid value: "../b": must not contain \'..\''],
      ],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', subPath: 'b', subPathExpr: 'c' }],
        [/subPathExpr and subPath are mutually exclusive$/],
      ],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', mountPropagation: 'Bidirectional' }],
        [/Bidirectional mount propagation is available only to privileged containers$/],
      ],
      [
        'spec.containers.0.volumeMounts',
        [{ name: 'v', mountPath: '/a', recursiveReadOnly: 'Enabled' }],
        [/may only be specified when readOnly is true$/],
      ],
      [
        'spec.containers.0.volumeDevices',
        [{ name: 'v', devicePath: '/dev/a' }],
        [/can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode$/],
      ],
      ['spec.containers.0.volumeDevices', [{ name: 'claim', devicePath: '/dev/../a' }], [/can not contain backsteps \('\.\.'\)$/]],
    ]),
  )('%s', (_name, row) => check(row, mounted));
});
