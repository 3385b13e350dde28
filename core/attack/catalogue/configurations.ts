/** What the hosts and the network of an attack are set up with: one difference from the vulnerable ones each. */
export const configurations = {
  vulnerable: 'in clear, nothing checked',
  'aes-128-ecb': 'records of AES-128-ECB',
  'aes-256-ctr': 'records of AES-256-CTR',
  'aes-256-gcm': 'records of AES-256-GCM',
  nacl: 'NaCl with pinned keys',
  tls: 'TLS 1.3, certificates checked',
  'tls-any-certificate': 'TLS 1.3, any certificate taken',
  ssh: 'SSH tunnel, host key checked',
  'ssh-any-key': 'SSH tunnel, any host key taken',
  esp: 'IPsec ESP, transport mode',
  'vmotion-opportunistic': 'vMotion, sealed if both can',
  'vmotion-required': 'vMotion, sealed or not at all',
  'arp-inspection': 'dynamic ARP inspection at the switch',
  'static-arp': 'neighbours’ MAC addresses by hand',
  'port-security': 'one MAC address a port',
  'syn-cookies': 'SYN cookies at the hosts',
} as const

export type ConfigurationName = keyof typeof configurations
export const configurationNames = Object.keys(configurations) as readonly ConfigurationName[]
