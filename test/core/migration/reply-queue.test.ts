/** A source that asks and asks and never reads what the destination answers. */
import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { concatOctets } from '../../../core/base/octets.js'
import { HostCores } from '../../../core/kernel/cores.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { MigrationDestination } from '../../../core/migration/destination.js'
import { ReplyQueue } from '../../../core/migration/reply-queue.js'
import { encodeReturnPath, ReturnPathReader } from '../../../core/migration/wire/return-path.js'
import { MIG_CMD } from '../../../core/migration/wire/qevm.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { FedStream } from '../../support/fed-stream.js'
import { ToyVm } from '../../support/toy-vm.js'

/** Its peer reads nothing. */
class FullStream extends FedStream {
  override writableOctets(): number {
    return 0
  }
}

/** Takes a few octets each time it is asked. */
class NarrowStream extends FedStream {
  override writableOctets(): number {
    return 5
  }
}

describe('answers that nobody reads', () => {
  it('are refused when there are too many, and the migration fails', () => {
    const kernel = new Kernel('answers')
    const writer = new StreamWriter()
    writer.fileHeader()
    writer.configuration('toy')
    writer.command(MIG_CMD.OPEN_RETURN_PATH)
    for (let count = 0; count <= 65_536; count++) writer.ping(count)
    const stream = new FullStream(kernel, 20 * 9)
    const destination = new MigrationDestination(kernel, {
      vm: new ToyVm(kernel),
      stream,
      cores: new HostCores(kernel, 'b', 2),
      labels: { id: 1, source: 'a', destination: 'b', channel: 'none', linkBps: 1e9 },
      owner: {
        sourceStatusChanged() {},
        destinationStatusChanged() {},
        destinationLoaded: () => null,
        destinationMayRun: () => null,
        guestHasLeft: () => false,
      },
    })
    destination.start()
    stream.feed(writer.take())
    kernel.runUntil(seconds(10))
    expect(destination.status).toBe('failed')
    expect(destination.cause).toMatchObject({
      protocol: 'return path',
      message: expect.stringContaining('the source asks, but reads no answers') as string,
    })
  })

  it('leave in their order, whatever the stream takes at a time', () => {
    const queue = new ReplyQueue()
    const stream = new NarrowStream(new Kernel('narrow'), 1)
    for (let value = 0; value < 10; value++) queue.add({ kind: 'PONG', value })
    for (let turns = 0; turns < 20; turns++) queue.drainTo(stream)
    const messages = new ReturnPathReader().push(concatOctets(stream.written))
    expect(messages.map((message) => 'value' in message && message.value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

describe('a bitmap that comes in small pieces', () => {
  it('is put together', () => {
    const bitmap = new Uint8Array(2 ** 21).fill(0xa5)
    const octets = encodeReturnPath({ kind: 'RECV_BITMAP', block: 'toy.ram', bitmap })
    const reader = new ReturnPathReader()
    const messages = []
    for (let at = 0; at < octets.length; at += 64) messages.push(...reader.push(octets.subarray(at, at + 64)))
    expect(messages).toHaveLength(1)
    expect(messages[0]).toMatchObject({ kind: 'RECV_BITMAP', block: 'toy.ram' })
    expect('bitmap' in messages[0]! && messages[0].bitmap.every((octet) => octet === 0xa5)).toBe(true)
  })
})
