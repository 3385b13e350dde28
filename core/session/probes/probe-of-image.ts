import type { Kernel } from '../../kernel/kernel.js'
import type { HostStack } from '../../net/host-stack.js'
import type { Ipv4Address } from '../../net/wire/addresses.js'
import { EchoProbe } from './echo-probe.js'
import { HTTP_PORT, HttpQuestion } from './http-question.js'
import type { Probe } from './probe.js'
import { RequestProbe } from './request-probe.js'
import { RESP_PORT, RespQuestion } from './resp-question.js'

/** How `stack` asks a guest of that image at `target`: a server by its service, any other by an echo. */
export function probeOfImage(image: string, kernel: Kernel, stack: HostStack, target: Ipv4Address): Probe {
  switch (image) {
    case 'web':
      return new RequestProbe(kernel, stack, target, new HttpQuestion())
    case 'kv':
      return new RequestProbe(kernel, stack, target, new RespQuestion())
    default:
      return new EchoProbe(stack, target)
  }
}

/** TCP ports that count as the client's probes on a link. */
export const probePorts: readonly number[] = Object.freeze([HTTP_PORT, RESP_PORT])
