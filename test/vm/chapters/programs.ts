/** A machine without a container engine: told what is missing, helped out beside a package that is in the way, and by apt. */
import assert from 'node:assert/strict';
import type { Checks } from '../checks.ts';
import type { Machine } from '../machine.ts';
import { mirroredPackages } from '../payload.ts';
import { assertUnchanged, readTraces } from '../traces.ts';

/** What the packages themselves bring along. */
const ofPackages = /^(state|\/run): (containerd|alternatives.*|dpkg.*|apt|knarr)$/;

export async function programs(checks: Checks, machine: Machine): Promise<void> {
  checks.chapter('A machine without a container engine');
  await machine.sh(`dpkg --purge ${mirroredPackages.join(' ')} 2>&1
rm -rf /var/lib/containerd /etc/cni
echo 'deb [trusted=yes] file:/opt/share/debs ./' > /etc/apt/sources.list; rm -f /etc/apt/sources.list.d/*`);
  const bare = await readTraces(machine);

  await checks.check('where installing is forbidden, `npm start` says what is missing and how to get it', async () => {
    const said = await machine.failing('cd /opt/share/knarr && KNARR_NO_INSTALL=1 sh bin/start');
    assert.match(said, /^ {2}containerd +the container engine \(package containerd\)$/m);
    assert.match(said, /apt-get install --no-install-recommends containerd runc containernetworking-plugins conntrack$/m);
    // The command's own compile cache.
    assertUnchanged(bare, await readTraces(machine), /^state: knarr$/);
  });

  const home = { KNARR_HOME: '/opt/beside' };
  await checks.check('beside a package that conflicts with containerd the programs are unpacked under its home', async () => {
    await machine.sh(`mkdir -p /tmp/other/DEBIAN
printf '%s\n' 'Package: other-engine' 'Version: 1' 'Architecture: all' 'Maintainer: nobody <nobody@example.com>' \
  'Conflicts: containerd, runc' 'Description: an engine that cannot stand beside containerd' > /tmp/other/DEBIAN/control
dpkg-deb -b /tmp/other /tmp/other.deb && dpkg -i /tmp/other.deb`);
    await machine.sh('knarr install', { env: home });
    await machine.sh('test -x /opt/beside/tools/usr/bin/containerd && test -x /opt/beside/tools/usr/lib/cni/bridge');
    await machine.sh('dpkg -s other-engine >/dev/null && ! dpkg -s containerd');
  });
  await checks.check('a cluster comes up with them and runs a pod', async () => {
    await machine.sh('knarr up --name beside --no-kubeconfig --wait', { env: { ...home, KNARR_NO_INSTALL: '1' } });
    const engine = await machine.sh('for pid in $(pgrep -x containerd); do readlink /proc/$pid/exe; done');
    assert.equal(engine.trim(), '/opt/beside/tools/usr/bin/containerd');
    const kubectl = { ...home, KUBECONFIG: '/opt/beside/clusters/beside/admin.kubeconfig' };
    await machine.sh(
      'kubectl run pause --image=registry.k8s.io/pause:3.10 && kubectl wait --for=condition=Ready pod/pause --timeout=180s',
      {
        env: kubectl,
      },
    );
  });
  await checks.need('`delete` leaves the machine as it was, but for the tools', async () => {
    await machine.sh('knarr delete --name beside', { env: home });
    assertUnchanged(bare, await readTraces(machine), /^state: knarr$/);
    const left = (await machine.sh('ls -A /opt/beside')).trim().split('\n');
    assert.deepEqual(left.toSorted(), ['cache', 'tools']);
  });

  await checks.need('apt installs them; no service runs or is enabled because of it', async () => {
    await machine.sh('rm -rf /opt/beside; dpkg --purge other-engine; knarr install');
    await machine.sh('dpkg -s containerd runc conntrack containernetworking-plugins >/dev/null');
    const state = await machine.sh('systemctl is-enabled containerd || true; systemctl is-active containerd || true');
    assert.deepEqual(state.trim().split('\n'), ['disabled', 'inactive']);
    await machine.sh('test ! -e /usr/sbin/policy-rc.d');
    assertUnchanged(bare, await readTraces(machine), ofPackages);
  });
}
