import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findSecrets, searchSecrets } from '../../../core/attack/secret-finder.js'
import { FindingList } from '../../../core/attack/secret-finding.js'
import { latin1Octets } from '../../../core/base/octets.js'
import { RandomStream } from '../../../core/kernel/random.js'

const PAGE = 4096

/** Memory of `octets` octets with texts at given offsets. */
function imageOf(octets: number, texts: Readonly<Record<number, string>>, encode = latin1Octets): Uint8Array {
  const image = new Uint8Array(octets)
  for (const [offset, text] of Object.entries(texts)) image.set(encode(text), Number(offset))
  return image
}

const utf16le = (text: string): Uint8Array => latin1Octets(Array.from(text, (character) => `${character}\0`).join(''))

const randomOctets = (length: number, seed = 1): Uint8Array => new RandomStream(`noise ${seed}`).octets(length)

const found = (image: Uint8Array): string[] => findSecrets(image).map(({ kind, value }) => `${kind} ${value}`)

/** Records of one size: name, text, role, number; the columns' offsets in the record are given. */
function userTable(
  stride: number,
  nameAt: number,
  textAt: number,
  rows: readonly (readonly [string, string])[],
): string {
  return rows
    .map(([name, text], row) => {
      const record = new Array<string>(stride).fill('\0')
      for (const [at, value] of [
        [nameAt, name],
        [textAt, text],
      ] as const)
        for (let i = 0; i < value.length; i++) record[at + i] = value.charAt(i)
      record[stride - 4] = String.fromCharCode(0xe8 + row)
      record[stride - 3] = '\x03'
      return record.join('')
    })
    .join('')
}

const users = [
  ['ada', 'violet-crane#20'],
  ['grace', 'T7korp!mint'],
  ['linus', 'plain.Oak77'],
] as const
const keyText = [
  '-----BEGIN EC PRIVATE KEY-----',
  'MHcCAQEEIJ1kq0J1Jq0uXb8VXzY1kq0J1Jq0uXb8VXzY1kq0J1JqoAoGCCqGSM49',
  'AwEHoUQDQgAE3v8mYb1kq0J1Jq0uXb8VXzY1kq0J1Jq0uXb8VXzY1kq0J1Jq0uXb',
  '-----END EC PRIVATE KEY-----',
  '',
].join('\n')

describe('payment cards', () => {
  it('takes a number with the right check digit and a known issuer, whole, dashed or spaced', () => {
    const image = imageOf(PAGE, {
      100: '4111111111111111',
      200: '5555-5555-5555-4444',
      300: 'card 3782 822463 10005 ok',
      400: 'pan=6011 1111 1111 1117 29/12',
      500: '%B4012888888881881^DOE/J^2912',
    })
    expect(found(image)).toEqual([
      'card 4111111111111111',
      'card 5555-5555-5555-4444',
      'card 3782 822463 10005',
      'card 6011 1111 1111 1117',
      'card 4012888888881881',
    ])
  })

  it('refuses a wrong check digit, no issuer, and digits that go on', () => {
    const image = imageOf(PAGE, {
      100: '4111111111111112',
      200: '9111111111111111',
      300: '41111111111111111111',
      400: 'id_4111111111111111',
      500: '0.4111111111111111',
      600: '1234-4111-1111-1111-1111',
      700: '4111-1111-1111-1112',
      800: '4111-1111 1111-1111',
    })
    expect(found(image)).toEqual([])
  })

  it('finds no other valid number a digit away from a card', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 9 }), (at, add) => {
        const digits = Array.from('5105105105105100', Number)
        digits[at] = ((digits[at] ?? 0) + add) % 10
        expect(findSecrets(imageOf(256, { 64: digits.join('') }))).toEqual([])
      }),
    )
  })
})

describe('private keys', () => {
  it('takes the whole text, across a page boundary, and says where', () => {
    const [finding, ...others] = findSecrets(imageOf(3 * PAGE, { [PAGE - 50]: keyText }))
    expect(others).toEqual([])
    expect(finding).toMatchObject({ kind: 'private-key', name: 'EC PRIVATE KEY', value: keyText })
    expect(finding?.places).toEqual([{ offset: PAGE - 50, octets: keyText.length, encoding: 'ascii' }])
  })

  it('leaves out public keys, marks without a body, and a text that is cut', () => {
    const image = imageOf(4 * PAGE, {
      10: keyText.replaceAll('EC PRIVATE', 'PUBLIC'),
      2000: '-----BEGIN RSA PRIVATE KEY-----\n\0-----END RSA PRIVATE KEY-----\n',
      3000: '-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n',
      5000: keyText.slice(0, -20),
    })
    expect(found(image)).toEqual([])
  })
})

describe('things that say what they are', () => {
  it('takes keys with values, JSON, cookies, authorization, URLs and tokens', () => {
    const image = imageOf(2 * PAGE, {
      0: 'db_password=correct7horse&x=1',
      100: '{"user": "eve", "passphrase": "blue moon", "apiToken": "9f8e7d6c5b4a39281706"}',
      300: 'POST / HTTP/1.1\r\nCookie: theme=dark; sessionid=ab12cd34ef56; lang=en\r\nAuthorization: Bearer abc.def-123\r\n\r\n',
      600: 'mysql://shop:w1nter@db.example:3306/orders?x=1 ',
      900: 'see ghp_16C7e42F292c6912E7710c838347Ae178B4a here',
      1000: 'POST user=mallory&password=Sesame99 HTTP',
    })
    expect(found(image)).toEqual([
      'setting correct7horse',
      'token 9f8e7d6c5b4a39281706',
      'cookie sessionid=ab12cd34ef56',
      'token abc.def-123',
      'credential mysql://shop:w1nter@db.example:3306/orders?x=1',
      'token ghp_16C7e42F292c6912E7710c838347Ae178B4a',
      'credential Sesame99',
    ])
  })

  it('takes the value in the next field of a record', () => {
    const image = imageOf(PAGE, {
      64: 'wifi.psk',
      96: 'cometfjord',
      256: 'motd',
      288: 'hello2there',
      320: 'API_SECRET',
      352: 'q8Zr4t1p',
    })
    expect(found(image)).toEqual(['setting cometfjord', 'setting q8Zr4t1p'])
  })

  it('finds nothing in prompts, formats, usage texts and identifiers', () => {
    const constants = [
      'password: \0login incorrect\0Enter token: %s\n\0token\0secret\0passwd\0username\0',
      'usage: tool --password=<text> --token=%s key=value password=required\n',
      'Set-Cookie: theme=dark; lang=en\r\nCookie: sid=\0; theme=dark\r\n',
      'postgres://app:\0@10.0.0.9/main\0http://example.org:8080/path@x\0',
      'tok_test_\0get_user_password_by_id\0AuthenticationTokenExpiredException\0max_key=16\0',
      '/usr/lib/libc.so.6\0GCC: (Debian 12.2.0)\0 2029-01-31T10:00:00Z\0x86-64\0read-only\0',
      'assertion "password == NULL" failed\0struct_token_list_entry_type_name\0****************\0',
    ]
    expect(found(latin1Octets(constants.join('')))).toEqual([])
  })
})

describe('passwords beside user names', () => {
  const values = users.map(([, text]) => `credential ${text}`)

  it('finds the columns of a table whatever its layout', () => {
    for (const [stride, nameAt, textAt] of [
      [64, 0, 16],
      [48, 32, 4],
      [100, 12, 60],
      [36, 0, 13],
    ] as const) {
      const image = imageOf(2 * PAGE, { [PAGE - 70]: userTable(stride, nameAt, textAt, users) })
      expect(found(image), `stride ${stride}`).toEqual(values)
      expect(findSecrets(image).map(({ name }) => name)).toEqual(['ada', 'grace', 'linus'])
    }
  })

  it('takes lines typed at a login from a terminal buffer, and a transcript with prompts', () => {
    const image = imageOf(PAGE, {
      100: 'root\rtulip-Heron$88\rwhoami\r',
      300: 'host login: ada\r\nPassword: swordfish\r\n$ ls\r\n',
    })
    expect(found(image)).toEqual(['credential tulip-Heron$88', 'credential swordfish'])
  })

  it('does not take other tables for it', () => {
    const image = imageOf(4 * PAGE, {
      0: userTable(64, 0, 16, [
        ['site.name', 'payroll-2x'],
        ['motd', 'see-Room#14'],
        ['note', 'buy-milk-2%'],
      ]),
      1000: userTable(64, 0, 16, [
        ['uart0', 'virtio,mmio'],
        ['clint', 'riscv,clint0'],
        ['plic', 'sifive,plic-1.0.0'],
      ]),
      2000: userTable(32, 0, 16, [
        ['staff', '03/29'],
        ['staff', '11/30'],
        ['guest', '12/31'],
      ]),
    })
    expect(found(image)).toEqual([])
  })
})

describe('encodings and places', () => {
  it('finds the same in UTF-16LE, at even and odd addresses', () => {
    const texts = {
      101: '4111-1111-1111-1111',
      301: 'password=Sesame99\r\n',
      500: 'Cookie: sid=0123456789abcdef0\r\n',
      600: keyText,
      2001: userTable(64, 0, 16, users),
    }
    const findings = findSecrets(imageOf(2 * PAGE, texts, utf16le))
    expect(findings.map(({ kind }) => kind)).toEqual([
      'card',
      'setting',
      'cookie',
      'private-key',
      ...users.map(() => 'credential'),
    ])
    expect(findings.every(({ places }) => places.every(({ encoding }) => encoding === 'utf-16le'))).toBe(true)
    expect(findings[0]?.places).toEqual([{ offset: 101, octets: 38, encoding: 'utf-16le' }])
  })

  it('says once what is there twice, with both places', () => {
    const findings = findSecrets(imageOf(PAGE, { 10: '4111111111111111', 999: '4111111111111111' }))
    expect(findings.map(({ places }) => places.map(({ offset }) => offset))).toEqual([[10, 999]])
  })

  it('finds nothing in random octets', () => {
    expect(findSecrets(randomOctets(2 * 1024 * 1024))).toEqual([])
  })

  it('finds what lies in noise, wherever it lies', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: PAGE }), fc.boolean(), (offset, isWide) => {
        const image = randomOctets(3 * PAGE, offset)
        const encode = isWide ? utf16le : latin1Octets
        image.set(encode(`\0\0${keyText}\0`), offset)
        image.set(encode('\0 4242 4242 4242 4242 \0'), offset + PAGE)
        expect(found(image)).toEqual([`private-key ${keyText}`, 'card 4242 4242 4242 4242'])
      }),
      { numRuns: 50 },
    )
  })

  it('finds the same page by page, in any order of pages', () => {
    const image = imageOf(4 * PAGE, {
      [PAGE - 8]: '4111111111111111',
      [2 * PAGE - 100]: keyText,
      [3 * PAGE - 90]: userTable(64, 0, 16, users),
    })
    const whole = found(image)
    expect(whole).toHaveLength(5)
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
        const partial = new Uint8Array(image.length)
        const list = new FindingList()
        for (const page of order) {
          partial.set(image.subarray(page * PAGE, (page + 1) * PAGE), page * PAGE)
          searchSecrets(partial, Math.max(0, page * PAGE - 512), (page + 1) * PAGE + 512, list)
        }
        const values = list.list().map(({ kind, value }) => `${kind} ${value}`)
        for (const expected of whole) expect(values).toContain(expected)
      }),
    )
  })

  it('reads any octets without an error', () => {
    const texty = fc.array(
      fc.constantFrom(
        'password',
        '=',
        ':',
        '\0',
        '-----BEGIN ',
        '-----END ',
        'PRIVATE KEY-----',
        '\r',
        '\n',
        'a1B!',
        '4111',
        '://',
        '@',
        '_',
        ' ',
        '$6$',
        'root',
      ),
      { maxLength: 200 },
    )
    fc.assert(fc.property(texty, (parts) => void findSecrets(latin1Octets(parts.join('')))))
    fc.assert(fc.property(texty, (parts) => void findSecrets(utf16le(parts.join('')))))
  })
})
