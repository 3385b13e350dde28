import type { VirtualisationCosts } from '../../core/hypervisor/profiles/hypervisor-profile.js'

/** A hypervisor that costs a guest nothing. */
export const bareMachine: VirtualisationCosts = { vcpuSpeed: 1, deviceAccessNs: 0, loggedStoreNs: 0, source: 'nobody' }
