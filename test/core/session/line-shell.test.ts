import { describe, expect, it } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { LineShell } from '../../../core/session/line-shell.js'

class EchoShell extends LineShell {
  readonly lines: string[] = []
  protected prompt(): string {
    return '$ '
  }
  protected completions(): readonly string[] {
    return ['search', 'show', 'streams']
  }
  protected execute(words: readonly string[], line: string): void {
    if (words[0] === 'bad') throw new InputError('bad is no command')
    this.lines.push(line)
    this.print(`did ${line}\n`)
  }
}

function shell(): EchoShell {
  const made = new EchoShell(new Kernel('shell'), 'operator')
  made.start('hello\n')
  return made
}

describe('LineShell', () => {
  it('greets, echoes what is typed, and answers', () => {
    const made = shell()
    made.type('list\r')
    expect(made.takeOutput()).toBe('hello\r\n\r\x1b[K$ list\r\ndid list\r\n\r\x1b[K$ ')
    expect(made.takeOutput()).toBe('')
  })

  it('edits in the middle of a line', () => {
    const made = shell()
    made.type('lst\x1b[D\x1b[Di\x1b[F!\x7f\r')
    expect(made.lines).toEqual(['list'])
  })

  it('recalls earlier lines and forgets a line that was given up', () => {
    const made = shell()
    made.type('one\rtwo\rjunk\x03\x1b[A\x1b[A\r\x1b[A\x1b[B\r')
    expect(made.lines).toEqual(['one', 'two', 'one'])
  })

  it('completes a word that can only be one, and shows the choices otherwise', () => {
    const made = shell()
    made.type('st\t\r')
    expect(made.lines).toEqual(['streams'])
    made.takeOutput()
    made.type('s\t')
    expect(made.takeOutput()).toContain('search  show  streams')
  })

  it('prints what was wrong and goes on', () => {
    const made = shell()
    made.type('bad\rgood\r')
    expect(made.takeOutput()).toContain('bad is no command')
    expect(made.lines).toEqual(['good'])
  })

  it('puts news above what is being typed', () => {
    const made = shell()
    made.type('half')
    made.takeOutput()
    made.notify('news')
    expect(made.takeOutput()).toBe('\r\x1b[Knews\r\n\r\x1b[K$ half')
  })

  it('swallows escape sequences it does not know, and control characters', () => {
    const made = shell()
    made.type('a\x1b[200~b\x1b[99;5;99;5Xc\x00\x07\r')
    expect(made.lines).toEqual(['abc'])
  })
})
