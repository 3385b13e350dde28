import { vi } from 'vitest'

/** What a command wrote on standard output and as errors, and its exit status. */
export async function outputOf(work: () => Promise<number>): Promise<{ status: number; out: string; errors: string }> {
  const written = { out: '', errors: '' }
  const keep = (stream: NodeJS.WriteStream, name: keyof typeof written) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString()
      return true
    })
  const spies = [keep(process.stdout, 'out'), keep(process.stderr, 'errors')]
  try {
    return { status: await work(), ...written }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
