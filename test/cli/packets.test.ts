import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packetsCommand } from '../../cli/packets.js'
import { InputError } from '../../core/base/errors.js'
import { capturePath } from '../support/captures.js'
import { outputOf } from '../support/command-output.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-packets-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const plain = fileURLToPath(capturePath('a_plain'))
const run = (...args: string[]) => outputOf(() => packetsCommand(args))

describe('packets', () => {
  it('lists the packets that a filter finds', async () => {
    const { status, out } = await run(plain, '-Y', 'arp')
    expect(status).toBe(0)
    expect(out.trim().split('\n')).toEqual([
      '1 0.000000000 52:54:00:00:00:01 → Broadcast ARP 42 Who has 10.0.0.2? Tell 10.0.0.1',
      expect.stringMatching(/^2 .* 10\.0\.0\.2 is at 52:54:00:00:00:02$/),
    ])
  })

  it('writes what a filter finds, with the keys that open it', async () => {
    const file = join(folder, 'arp.pcapng')
    const keys = fileURLToPath(capturePath('a_plain')).replace('a_plain.pcapng.gz', 'a_tls.keylog')
    expect((await run(plain, '-Y', 'arp', '-w', file, '--secrets', keys)).out).toBe(`2 packets written to ${file}\n`)
    expect((await run(file)).out.trim().split('\n')).toHaveLength(2)
    expect(Buffer.from(await readFile(file)).includes('CLIENT_HANDSHAKE_TRAFFIC_SECRET')).toBe(true)
    const wrong = join(folder, 'wrong.keylog')
    await writeFile(wrong, '# fine\nnot a key\n')
    await expect(run(plain, '-w', file, '--secrets', wrong)).rejects.toThrow(/wrong\.keylog: line 2/)
    await expect(run(plain, '--secrets', keys)).rejects.toThrow(InputError)
  })

  it('shows one in detail and in octets', async () => {
    const { out } = await run(plain, '--packet', '6', '-V', '-x')
    expect(out).toContain('\nQEMU Migration Stream, file header\n    Magic: 0x5145564d\n')
    expect(out).toMatch(/^00000040 .*QEVM/m)
  })

  it('gives fields as tshark does, and as JSON', async () => {
    expect((await run(plain, '-Y', 'tcp.flags.syn == 1', '--fields', 'frame.number,ip.addr,tcp.port')).out).toBe(
      '3\t10.0.0.1,10.0.0.2\t60616,4444\n4\t10.0.0.2,10.0.0.1\t4444,60616\n',
    )
    const { out } = await run(plain, '-Y', 'frame.number == 4', '--fields', 'tcp.seq_raw', '--json', '-')
    expect(JSON.parse(out)).toEqual([{ 'tcp.seq_raw': [expect.stringMatching(/^\d+$/)] }])
  })

  it('follows a stream, counts conversations and protocols', async () => {
    expect((await run(plain, '--follow', '0', '-x')).out).toMatch(
      /--- 10\.0\.0\.1:60616, packet 6, \d+ octets\n0{8} {2}51 45/,
    )
    expect((await run(plain, '--conversations', 'ip')).out).toContain('10.0.0.1  10.0.0.2')
    expect((await run(plain, '--hierarchy')).out).toMatch(/tcp +1369 +1680099\n +qevm +1122/)
  })

  it('points at the place of a mistake, and says what a bad file is', async () => {
    await expect(run(plain, '-Y', 'tcp.prot == 1')).rejects.toThrow(
      /Did you mean tcp\.port[^]*\n {2}tcp\.prot == 1\n {2}\^{8}/,
    )
    await expect(run(plain, '--fields', 'ip.sorce')).rejects.toThrow(InputError)
    const path = join(folder, 'no.pcap')
    await writeFile(path, 'no capture at all')
    expect(await run(path)).toMatchObject({
      status: 1,
      errors: expect.stringContaining('neither pcapng nor pcap') as string,
    })
    expect((await run(join(folder, 'nowhere'))).status).toBe(1)
  })
})
