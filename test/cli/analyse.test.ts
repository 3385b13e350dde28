import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { analyseCommand } from '../../cli/analyse.js'
import { InputError } from '../../core/base/errors.js'
import type { AnalysisReport } from '../../core/attack/analysis-report.js'
import { latin1Octets } from '../../core/base/octets.js'
import { capturePath, readCapture, readTruth } from '../support/captures.js'
import { outputOf } from '../support/command-output.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midstream-analyse-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

const run = (...args: string[]) => outputOf(() => analyseCommand(args))

async function file(name: string, contents: Uint8Array | string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, contents)
  return path
}

const captureFile = (name: string): string => fileURLToPath(capturePath(name))

describe('analyse', () => {
  it('writes JSON alone on standard output', async () => {
    const { status, out } = await run(captureFile('a_login'), '--json', '-')
    expect(status).toBe(0)
    const report = JSON.parse(out) as AnalysisReport
    expect(report).toMatchObject({ kind: 'pcapng', packets: 1218, warnings: [] })
    expect(report.streams[0]).toMatchObject({ protocol: 'qevm', complete: true, machine: 'virt' })
    expect(report.streams[0]?.blocks[2]?.sha256).toBe(readTruth('a_login').final_ram_sha256)
    expect(report.streams[0]?.findings).toContainEqual(
      expect.objectContaining({
        kind: 'cookie',
        value: 'sid=14217dc748a9816b681f780964dd6b46',
        address: '0x800541bf',
        packets: [193],
      }),
    )
  })

  it('tells a person what is in it, and keeps the JSON and the memory in files', async () => {
    const [json, dump] = [join(folder, 'report.json'), join(folder, 'dump')]
    const { status, out } = await run(captureFile('a_plain'), '--json', json, '--dump-ram', dump)
    expect(status).toBe(0)
    for (const text of [
      'pcapng capture of 1371 packets',
      'riscv_virt_board.ram',
      'xenon-raven$8962',
      '0x80040010',
      '180',
    ])
      expect(out).toContain(text)
    expect((JSON.parse(await readFile(json, 'utf8')) as AnalysisReport).streams).toHaveLength(1)
    expect((await readdir(dump)).sort()).toEqual(
      ['riscv_virt_board.mrom', 'riscv_virt_board.ram', 'virt.flash0', 'virt.flash1'].map((block) => `${block}.ram`),
    )
    const ram = await readFile(join(dump, 'riscv_virt_board.ram.ram'))
    expect(createHash('sha256').update(ram).digest('hex')).toBe(readTruth('a_plain').final_ram_sha256)
  })

  it('reads the same from a capture out of gzip, and a part of it from one that was cut', async () => {
    const capture = readCapture('a_tls')
    expect((await run(await file('a.pcapng', capture))).out).toContain('TLS 1.3 with TLS_AES_256_GCM_SHA384')
    const cut = await run(await file('cut.gz', gzipSync(capture).subarray(0, 500_000)))
    expect(cut.status).toBe(0)
    expect(cut.out).toContain('TLS 1.3')
    expect(cut.out).toContain('warning: the gzip file is damaged or cut')
  })

  it('says what is wrong with a file of no use, with status 1', async () => {
    for (const [contents, answer] of [
      ['', 'the file is empty'],
      ['just some words\n', 'is text: a pcapng or pcap capture or a QEMU migration stream is needed'],
      ['\xff\xd8\xff\xe0\0\x10JFIF', 'is a JPEG picture'],
    ] as const) {
      const { status, out, errors } = await run(await file('useless', latin1Octets(contents)), '--json', '-')
      expect({ status, out }).toEqual({ status: 1, out: '' })
      expect(errors).toContain(answer)
    }
    expect((await run(join(folder, 'nowhere.pcap'))).errors).toContain('there is no such file')
    expect((await run(folder)).errors).toContain('is a folder')
  })

  it('asks for one file', async () => {
    await expect(run()).rejects.toThrow(InputError)
    await expect(run('a', 'b')).rejects.toThrow(InputError)
    await expect(run('a', '--colour')).rejects.toThrow(/colour/)
  })

  it('lets no control character of a stream reach the terminal', async () => {
    const name = '\x1b[31mram'
    const header = `QEVM\0\0\0\x03\x01\0\0\0\x02\x03ram\0\0\0\0\0\0\0\x04`
    const list = `\0\0\0\0\0\0\x10\x04${String.fromCharCode(name.length)}${name}\0\0\0\0\0\0\x10\0`
    const { status, out } = await run(await file('odd.qevm', latin1Octets(header + list)))
    expect(status).toBe(0)
    expect(out).toContain('?[31mram')
    expect(out).not.toContain('\x1b')
  })
})
