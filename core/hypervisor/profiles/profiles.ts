/**
 * The hypervisors of this lab.
 *
 * Ports and encryption: libvirt's qemu.conf (49152 to 49215, TLS not forced); Xen's xend-config.sxp (relocation 8002) and
 * xl(1) (SSH); VMware's security guides 6.0 ("transmitted in plain text") and 6.7 (vMotion encryption opportunistic by
 * default, required for encrypted machines), TCP 8000. vMotion's own sealing is AES-GCM with keys from vCenter; here the lab's
 * NaCl channel stands for it. Stop rules: migration/migration.c, xg_sr_save.c, xc_domain_save.c.
 *
 * Speeds are of a build of Linux, which has both computing and system calls in it: Barham et al., "Xen and the Art of
 * Virtualization", SOSP 2003, figure 3 (native 263 s, Xen 271 s); Bellard, "QEMU, a Fast and Portable Dynamic Translator",
 * USENIX 2005, section 4 (a quarter of the speed on integer code, half of that again for a whole system). What hardware
 * helps with is taken to run at full speed.
 *
 * What the hypervisor does in a guest's place holds its vCPU up; round figures for a core of 3 GHz. Leaving a guest by
 * hardware and coming back takes 2000 cycles, and what answers then up to ten times as much (Landau et al., "SplitX",
 * WIOV 2011, table 1). A type 2 hypervisor answers for a device in a process of its host, ESXi in its kernel, Xen's
 * paravirtual drivers by an event to another domain. The first store to a page whose log was read faults; a paravirtualised
 * guest faults into Xen, which has shadow page tables while it logs. A translator looks both up in its own tables.
 */
import { milliseconds } from '../../base/units.js'
import type { HypervisorName, HypervisorProfile, MigrationFeatures } from './hypervisor-profile.js'

const everything: MigrationFeatures = {
  postcopy: true,
  xbzrle: true,
  compression: true,
  multifd: true,
  blockMigration: true,
}
const plain: MigrationFeatures = {
  postcopy: false,
  xbzrle: false,
  compression: false,
  multifd: false,
  blockMigration: false,
}

const kvm: HypervisorProfile = {
  name: 'kvm',
  title: 'KVM with QEMU and libvirt',
  hostLayer: 'type 2',
  virtualisation: 'hardware-assisted',
  costs: { vcpuSpeed: 1, deviceAccessNs: 5000, loggedStoreNs: 1500, source: 'Landau et al. 2011, table 1' },
  migrationPort: 49152,
  controlPort: 16509,
  streamFormat: 'qemu',
  encryption: 'none',
  channel: 'none',
  defaults: {},
  features: everything,
  toolstack: 'virsh',
}

const xen: HypervisorProfile = {
  name: 'xen',
  title: 'Xen with xl',
  hostLayer: 'type 1',
  virtualisation: 'paravirtualised',
  costs: { vcpuSpeed: 263 / 271, deviceAccessNs: 3000, loggedStoreNs: 3000, source: 'Barham et al. 2003, figure 3' },
  migrationPort: 8002,
  controlPort: 22,
  streamFormat: 'libxc',
  encryption: 'ssh tunnel',
  channel: 'ssh',
  defaults: { stopRule: 'xen', roundsMax: 5, maxBandwidth: 0 },
  features: plain,
  toolstack: 'xl',
}

const vmware: HypervisorProfile = {
  name: 'vmware-6.0',
  title: 'VMware ESXi 6.0',
  hostLayer: 'type 1',
  virtualisation: 'hardware-assisted',
  costs: { vcpuSpeed: 1, deviceAccessNs: 2000, loggedStoreNs: 1500, source: 'Landau et al. 2011, table 1' },
  migrationPort: 8000,
  controlPort: 902,
  streamFormat: 'qemu',
  encryption: 'none',
  channel: 'none',
  // "less than a second" of stop is what vMotion aims at; its network has no cap of its own.
  defaults: { downtimeLimitNs: milliseconds(500), maxBandwidth: 0 },
  features: plain,
  // libvirt's ESX driver.
  toolstack: 'virsh',
}

export const profiles: Readonly<Record<HypervisorName, HypervisorProfile>> = Object.freeze({
  kvm,
  qemu: {
    ...kvm,
    name: 'qemu',
    title: 'QEMU, translating',
    virtualisation: 'emulated',
    costs: { vcpuSpeed: 1 / 8, deviceAccessNs: 200, loggedStoreNs: 200, source: 'Bellard 2005, section 4' },
  },
  xen,
  xend: {
    ...xen,
    name: 'xend',
    title: 'Xen 3 with xend',
    controlPort: 8002,
    encryption: 'none',
    channel: 'none',
    defaults: { stopRule: 'xen-legacy', roundsMax: 29, maxBandwidth: 62_500_000 },
  },
  'vmware-6.0': vmware,
  'vmware-6.7': {
    ...vmware,
    name: 'vmware-6.7',
    title: 'VMware ESXi 6.7',
    encryption: 'opportunistic',
    channel: 'vmotion-opportunistic',
  },
  'vmware-encrypted': {
    ...vmware,
    name: 'vmware-encrypted',
    title: 'VMware ESXi 6.7 with an encrypted machine',
    encryption: 'required',
    channel: 'vmotion-required',
  },
})
