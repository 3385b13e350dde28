/** What the person asked for cannot be done as asked: shown as one line, exit status 2. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
