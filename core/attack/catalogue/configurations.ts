/** What attacks are tried on, and what that is set up with: one difference from the vulnerable one each. */

/** Where an attack is tried. */
export const testbeds = {
  rack: 'Two hosts, a client and the attacker at one switch, and a guest that is moved',
  fleet: 'Several hosts with guests, and an orchestrator that places them',
  receiver: 'A host whose receiver of migrations keeps its buffers in emulated memory',
  neighbours: 'Two tenants on one machine',
} as const
export type Testbed = keyof typeof testbeds

export const configurationsOf = {
  rack: {
    vulnerable: 'in clear, nothing checked',
    'aes-128-ecb': 'records of AES-128-ECB',
    'aes-256-ctr': 'records of AES-256-CTR',
    'aes-256-gcm': 'records of AES-256-GCM',
    nacl: 'NaCl with pinned keys',
    tls: 'TLS 1.3, certificates checked',
    'tls-any-certificate': 'TLS 1.3, any certificate taken',
    'tls-shaped': 'TLS 1.3, records of one length at a steady pace, two rounds always, zeros sent whole',
    ssh: 'SSH tunnel, host key checked',
    'ssh-any-key': 'SSH tunnel, any host key taken',
    esp: 'IPsec ESP, transport mode',
    'vmotion-opportunistic': 'vMotion, sealed if both can',
    'vmotion-required': 'vMotion, sealed or not at all',
    'arp-inspection': 'dynamic ARP inspection at the switch',
    'static-arp': 'neighbours’ MAC addresses by hand',
    'port-security': 'one MAC address a port',
    'syn-cookies': 'SYN cookies at the hosts',
    'closed-monitors': 'monitors answer on their own host alone',
    'listed-destinations': 'guests are sent to listed hosts alone',
    'intruder-watch': 'the frames of the hosts’ cables are looked through for signs of an intruder',
  },
  fleet: {
    vulnerable: 'whatever is told is believed',
    'signed-adverts': 'adverts have a tag of their host',
    'command-token': 'commands have a secret in them',
    'command-signature': 'commands are signed, and nothing says when',
    'command-timestamp': 'commands are signed with their time, and 15 s of difference are let pass',
    'command-nonce': 'commands are signed with a number that the receiver has just thought of',
    'processor-caps': 'no guest of a tenant gets more of a core than it has paid for',
  },
  receiver: {
    vulnerable: 'the stream is trusted',
    'batch-check': 'no batch of a negative number of pages',
    'free-list-check': 'no free list of more than 2^28 entries',
    'index-check': 'no index beyond the queue that it is for',
    'length-check': 'no length beyond the buffer that it is for',
    'all-fixes': 'all that the stream says is checked',
    'stack-canary': 'a secret word before the return address',
    'random-addresses': 'the program’s parts lie elsewhere in each process',
    'idle-timeout': 'a migration of which nothing comes for 2 s is ended',
    'receive-deadline': 'a migration that is not all there after 4 s is ended',
    'peer-slots': 'two migrations at once from one address',
    sealed: 'TLS 1.3, one host’s certificate let in',
    'sealed-any-certificate': 'TLS 1.3, any certificate let in',
  },
  neighbours: {
    vulnerable: 'a hole in the wall between tenants',
    isolated: 'the wall is set up anew for each tenant',
  },
} as const satisfies Record<Testbed, Readonly<Record<string, string>>>

/** Of any testbed. */
export type ConfigurationName = { [T in Testbed]: keyof (typeof configurationsOf)[T] }[Testbed]

export function configurationNamesOf(testbed: Testbed): readonly ConfigurationName[] {
  return Object.keys(configurationsOf[testbed]) as ConfigurationName[]
}

export const configurationNames: readonly ConfigurationName[] = [
  ...new Set((Object.keys(configurationsOf) as Testbed[]).flatMap(configurationNamesOf)),
]
