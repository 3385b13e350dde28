/** The little of node-forge's DES that is used: its block function, under a mode of our own. */
declare module 'node-forge/lib/des.js' {
  /** Works on two big-endian 32-bit halves. */
  interface ForgeBlockCipher {
    encrypt(input: readonly number[], output: number[]): void
    decrypt(input: readonly number[], output: number[]): void
  }
  /** Called with `new`; keeps the block function for whoever asks. */
  type ForgeMode = new (options: { readonly cipher: ForgeBlockCipher }) => { readonly cipher: ForgeBlockCipher }
  const des: {
    /** A name that begins with `3DES` wants a key of 24 octets. */
    readonly Algorithm: new <Mode extends ForgeMode>(
      name: string,
      mode: Mode,
    ) => {
      readonly mode: InstanceType<Mode>
      initialize(options: { readonly key: Uint8Array }): void
    }
  }
  export default des
}
