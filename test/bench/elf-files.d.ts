declare module '*.elf' {
  const octets: Uint8Array
  export default octets
}
