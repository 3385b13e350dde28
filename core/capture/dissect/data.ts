/** Octets that no dissector here knows. */
import type { Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'

export const dataFields = {
  data: protocol('data', 'Data'),
  octets: field('data.data', 'Octets', 'octets'),
  length: field('data.len', 'Length', 'uint32'),
}

export function dissectData({ sink }: Dissection, start: number, end: number): void {
  const length = end - start
  if (length <= 0) return
  sink.open(dataFields.data, start, length, null, sink.wantsText ? `Data: ${length} octets` : '')
  sink.field(dataFields.octets, start, length, null)
  sink.field(dataFields.length, start, length, length)
  sink.close()
}
