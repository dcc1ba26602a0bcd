import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodePercent, readCookies } from '../../src/capture/cookies.ts'

const jarOf = (...headers: string[]) => readCookies(headers.flatMap((header) => ['Cookie', header]))

describe('the cookie jar', () => {
  test('keeps every copy of a name in the order sent', () => {
    const jar = jarOf('a=1; b=2; a=3')
    expect(jar.all('a')).toEqual(['1', '3'])
    expect(jar.get('a')).toBe('1')
    expect([...jar.names()]).toEqual(['a', 'b'])
  })

  test('reads headers that HTTP/2 split', () => {
    expect(jarOf('a=1', 'b=2').all('b')).toEqual(['2'])
  })

  test('splits a pair at its first equals sign and trims blanks', () => {
    expect(jarOf('  a =  x=y== ;c=').all('a')).toEqual(['x=y=='])
    expect(jarOf('c=').all('c')).toEqual([''])
  })

  test('takes off one pair of double quotes', () => {
    expect(jarOf('a="b c"; d=""e""; f="; g={"x":1}').all('a')).toEqual(['b c'])
    expect(jarOf('d=""e""').all('d')).toEqual(['"e"'])
    expect(jarOf('f="').all('f')).toEqual(['"'])
    expect(jarOf('g={"x":1}').all('g')).toEqual(['{"x":1}'])
  })

  test('leaves out what has no name or no equals sign', () => {
    expect([...jarOf('novalue; =noname; ; a=1').names()]).toEqual(['a'])
  })

  test('decodes once, and hands out as it came what cannot be decoded', () => {
    const jar = jarOf('a=%2525; b=%E0%A4%A')
    expect(jar.get('a')).toBe('%25')
    expect(jar.all('a')).toEqual(['%2525'])
    expect(jar.get('b')).toBe('%E0%A4%A')
    expect(jar.get('c')).toBeUndefined()
  })

  test('treats names of object members as names', () => {
    const jar = jarOf('__proto__=1; constructor=2')
    expect(jar.get('__proto__')).toBe('1')
    expect(jar.get('toString')).toBeUndefined()
  })

  test('reads 200 pairs and says that it left the rest', () => {
    const pairs = (count: number) => Array.from({ length: count }, (_, index) => `c${index}=1`).join(';')
    expect(jarOf(pairs(200)).truncated).toBe(false)
    const jar = jarOf(pairs(201))
    expect(jar.truncated).toBe(true)
    expect(jar.get('c199')).toBe('1')
    expect(jar.get('c200')).toBeUndefined()
  })

  test('reads 16 KiB, never half a cookie, and says that it left the rest', () => {
    const jar = jarOf(`a=1; b=${'x'.repeat(17_000)}`)
    expect(jar.truncated).toBe(true)
    expect([...jar.names()]).toEqual(['a'])
    expect(jarOf(`b=${'x'.repeat(16_000)}`).truncated).toBe(false)
    expect(jarOf('a='.padEnd(9000, 'x'), 'b='.padEnd(9000, 'x')).truncated).toBe(true)
  })

  test('throws at nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (headers) => {
        const jar = jarOf(...headers)
        for (const name of jar.names()) expect(jar.all(name).length).toBeGreaterThan(0)
      }),
    )
  })
})

test('percent-decoding answers null where the text is not UTF-8 in percent signs', () => {
  expect(decodePercent('%C3%A4')).toBe('ä')
  expect(decodePercent('plain+text')).toBe('plain+text')
  expect(decodePercent('%')).toBeNull()
  expect(decodePercent('%ff')).toBeNull()
})
