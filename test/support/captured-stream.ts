import { concatOctets } from '../../core/base/octets.js'
import { CaptureReader } from '../../core/net/wire/capture-reader.js'
import { decodeCapturedTcp } from '../../core/net/wire/link-layer.js'
import { TcpReassembler } from '../../core/net/wire/tcp-reassembly.js'

/** What the client of each connection sent, in the order of the connections. */
export function clientStreams(capture: Uint8Array): Uint8Array[] {
  const streams: Uint8Array[][] = []
  const reassembler = new TcpReassembler({
    connectionSeen: ({ id }) => void (streams[id - 1] = []),
    streamRun: ({ connection, sender, octets }) => {
      if (sender === 'client') streams[connection.id - 1]?.push(octets.slice())
    },
    streamGap: ({ position }) => {
      throw new Error(`the capture has a gap at ${position}`)
    },
    streamClosed: () => undefined,
  })
  const reader = new CaptureReader(capture)
  for (let packet = reader.next(); packet !== null; packet = reader.next()) {
    const tcp = decodeCapturedTcp(packet.linkType, packet.octets)
    if (tcp !== null) reassembler.add(packet.number, packet.timeNs, tcp)
  }
  reassembler.finish()
  return streams.map((parts) => concatOctets(parts))
}
