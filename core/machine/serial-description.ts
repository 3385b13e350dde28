/** QEMU 7.2's section of a 16550A serial port (hw/char/serial.c, `vmstate_serial`, and serial-mm around it). */
import type { DeviceStateDescription, StateBody, StateField } from './device-state.js'

export const FIFO_OCTETS = 16

const u8 = (name: string): StateField => ({ name, type: 'uint8' })

/** util/fifo8.c: `num` octets from `head` on, round the end. */
function fifo(name: string): StateBody {
  const body: StateBody = {
    vmsdName: 'Fifo8',
    version: 1,
    fields: [
      { name: 'data', type: 'buffer', size: FIFO_OCTETS },
      { name: 'head', type: 'uint32' },
      { name: 'num', type: 'uint32' },
    ],
  }
  return { vmsdName: `serial/${name}`, version: 1, fields: [{ name, type: 'struct', body }] }
}

function subsection(name: string, fields: readonly StateField[]): StateBody {
  return { vmsdName: `serial/${name}`, version: 1, fields }
}

export const SERIAL_DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'serial',
  instanceId: 0,
  version: 3,
  vmsdName: 'serial',
  fields: [
    {
      name: 'serial',
      type: 'struct',
      body: {
        vmsdName: 'serial',
        version: 3,
        fields: [
          { name: 'divider', type: 'uint16' },
          ...[u8('rbr'), u8('ier'), u8('iir'), u8('lcr'), u8('mcr'), u8('lsr'), u8('msr'), u8('scr')],
          u8('fcr_vmstate'),
        ],
        subsections: [
          subsection('thr_ipending', [{ name: 'thr_ipending', type: 'int32' }]),
          subsection('tsr', [{ name: 'tsr_retry', type: 'uint32' }, u8('thr'), u8('tsr')]),
          fifo('recv_fifo'),
          fifo('xmit_fifo'),
          subsection('fifo_timeout_timer', [{ name: 'fifo_timeout_timer', type: 'timer' }]),
          subsection('timeout_ipending', [{ name: 'timeout_ipending', type: 'int32' }]),
          subsection('poll', [
            { name: 'poll_msl', type: 'int32' },
            { name: 'modem_status_poll', type: 'timer' },
          ]),
        ],
      },
    },
  ],
} satisfies DeviceStateDescription)
