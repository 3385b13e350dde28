import { ipText, type IpAddress } from '../wire/addresses.js'

/** `10.0.0.1:80` or `[fe80::1]:80`. */
export function endpointText(address: IpAddress, port: number): string {
  return typeof address === 'number' ? `${ipText(address)}:${port}` : `[${ipText(address)}]:${port}`
}
