/** Commands for a TPM 2.0, as octets, and what a response says. */
import { hexOf, octetsOfHex, readU32be } from '../../core/base/octets.js'

/** An authorisation area with one password session and the empty password. */
export const PASSWORD_AREA = '00000009 40000009 0000 01 0000'

/** A command without sessions: its code, then its body in hexadecimal. */
export function tpmCommand(code: number, body = '', tag = '8001'): Uint8Array {
  const hex = body.replaceAll(' ', '')
  const word = (value: number): string => value.toString(16).padStart(8, '0')
  return octetsOfHex(tag + word(10 + hex.length / 2) + word(code) + hex)
}

/** A command for the PCR `handle`, with an authorisation area. */
export function pcrCommand(code: number, handle: number, parameters: string, area = PASSWORD_AREA): Uint8Array {
  return tpmCommand(code, handle.toString(16).padStart(8, '0') + area + parameters, '8002')
}

export const responseCode = (response: Uint8Array): number => readU32be(response, 6)
/** What follows the header, in hexadecimal. */
export const responseBody = (response: Uint8Array): string => hexOf(response.subarray(10))
