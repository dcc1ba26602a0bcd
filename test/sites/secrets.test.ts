import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { createSealer, isSecretReference, resolveSecret, sameSecret } from '../../src/sites/secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))

const readFile = (path: string): string => readFileSync(path, 'utf8')
const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('a reference', () => {
  test.each([
    [{ $env: 'A' }, true],
    [{ $file: '/a' }, true],
    [{ $env: 'A', $file: '/a' }, false],
    [{ $env: 1 }, false],
    [{ $other: 'A' }, false],
    [{}, false],
    [['$env', 'A'], false],
    ['A', false],
    [null, false],
  ])('%j: %s', (value, expected) => {
    expect(isSecretReference(value)).toBe(expected)
  })

  test('to a variable yields its value, untouched', () => {
    expect(resolveSecret({ $env: 'TOKEN' }, { TOKEN: ' abc \n' }, readFile)).toEqual({ value: ' abc \n' })
  })

  test('to a variable that is missing or empty says so by name', () => {
    expect(resolveSecret({ $env: 'TOKEN' }, {}, readFile)).toEqual({
      problem: 'the environment variable TOKEN is not set',
    })
    expect(resolveSecret({ $env: 'TOKEN' }, { TOKEN: '' }, readFile)).toEqual({
      problem: 'the environment variable TOKEN is empty',
    })
  })

  test.each([
    ['one line break', 'abc\n', 'abc'],
    ['a Windows one', 'abc\r\n', 'abc'],
    ['none', 'abc', 'abc'],
    ['one inside', 'a\nbc\n', 'a\nbc'],
    ['spaces', ' abc \n', ' abc '],
  ])('to a file with %s yields the secret', (_, text, value) => {
    expect(resolveSecret({ $file: write('secret', text) }, {}, readFile)).toEqual({ value })
  })

  test('to a file that is missing, empty or no file says so by path', () => {
    const missing = join(folder, 'missing')
    const empty = write('empty', '\n')
    expect(resolveSecret({ $file: missing }, {}, readFile)).toEqual({
      problem: `the file ${missing} does not exist`,
    })
    expect(resolveSecret({ $file: empty }, {}, readFile)).toEqual({ problem: `the file ${empty} is empty` })
    expect(resolveSecret({ $file: folder }, {}, readFile)).toEqual({
      problem: `the file ${folder} is a directory`,
    })
  })
})

const newKey = (): string => randomBytes(32).toString('base64')

describe('a seal', () => {
  const [older, newer] = [newKey(), newKey()]

  test('opens to what was sealed, whatever it was', () => {
    const sealer = createSealer([newer])
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plaintext, associated) => {
        const sealed = sealer.seal(plaintext, associated)
        expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]{22,}$/)
        expect(sealer.open(sealed, associated)).toBe(plaintext)
      }),
    )
  })

  test('opens nowhere but where it belongs', () => {
    const sealer = createSealer([newer])
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (plaintext, here, there) => {
        fc.pre(here !== there)
        expect(sealer.open(sealer.seal(plaintext, here), there)).toBeNull()
      }),
    )
  })

  test('does not open once a single character has changed', () => {
    const sealer = createSealer([newer])
    const sealed = sealer.seal('ann@example.com', 'event-1/crm')
    fc.assert(
      fc.property(
        fc.nat(sealed.length - 1),
        fc.constantFrom('A', 'z', '0', '9', '-', '_', '.', 'v'),
        (at, character) => {
          fc.pre(sealed[at] !== character)
          expect(
            sealer.open(sealed.slice(0, at) + character + sealed.slice(at + 1), 'event-1/crm'),
          ).toBeNull()
        },
      ),
    )
  })

  test.each([
    '',
    'v1',
    'v1...',
    'v2.00000000.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA',
    'plain text',
    'v1.a.b.c.d',
  ])('"%s" is none', (text) => {
    expect(createSealer([newer]).open(text, '')).toBeNull()
  })

  test('never looks the same twice, and shows nothing of what is in it', () => {
    const sealer = createSealer([newer])
    const seals = Array.from({ length: 100 }, () => sealer.seal('ann@example.com', 'x'))
    expect(new Set(seals).size).toBe(100)
    for (const sealed of seals) {
      // Long enough that chance does not spell it: three letters turn up in random base64 every thirty runs.
      expect(sealed).not.toContain('example')
      expect(Buffer.from(sealed.split('.')[3] ?? '', 'base64url').toString('latin1')).not.toContain('ann@')
    }
  })

  test('of an older key still opens after the key was changed, and new seals are of the new key', () => {
    const before = createSealer([older])
    const after = createSealer([newer, older])
    const sealed = before.seal('secret', 'x')
    expect(after.open(sealed, 'x')).toBe('secret')
    expect(before.open(after.seal('secret', 'x'), 'x')).toBeNull()
    expect(createSealer([newer]).open(sealed, 'x')).toBeNull()
  })

  test('is made of the randomness that is handed in', () => {
    const sealer = createSealer([newer], (bytes) => Buffer.alloc(bytes, 1))
    expect(sealer.seal('a', 'b')).toBe(sealer.seal('a', 'b'))
    expect(sealer.seal('a', 'b').split('.')[2]).toBe(Buffer.alloc(12, 1).toString('base64url'))
  })
})

describe('a key', () => {
  test.each([
    ['too short', Buffer.alloc(31).toString('base64')],
    ['too long', Buffer.alloc(33).toString('base64')],
    ['hexadecimal', 'a'.repeat(64)],
    ['no base64', '!'.repeat(44)],
    ['empty', ''],
  ])('that is %s is refused by its position, without being shown', (_, key) => {
    const refusal = (): unknown => createSealer([newKey(), key])
    expect(refusal).toThrow('secret key 2 is not 32 bytes in base64')
    expect(refusal).not.toThrow(key === '' ? 'nothing of the key' : key)
  })
  test('may be written in base64url', () => {
    const key = Buffer.alloc(32, 0xfb)
    const sealed = createSealer([key.toString('base64url')]).seal('a', 'b')
    expect(createSealer([key.toString('base64')]).open(sealed, 'b')).toBe('a')
  })
  test('is needed', () => {
    expect(() => createSealer([])).toThrow('a secret key is needed')
  })
})

test('two secrets are the same when they are equal, of whatever length', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(sameSecret(a, b)).toBe(a === b)
      expect(sameSecret(a, a)).toBe(true)
    }),
  )
})
