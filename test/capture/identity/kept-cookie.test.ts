import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCookies } from '../../../src/capture/cookies.ts'
import {
  keptCookie,
  keptText,
  readKept,
  writeKept,
  type KeptId,
  type KeptName,
} from '../../../src/capture/identity/kept-cookie.ts'
import { clickIdNames } from '../../../src/event/click-ids.ts'
import { day, now } from './times.ts'

const read = (...copies: readonly string[]) =>
  readKept(readCookies(['Cookie', copies.map((text) => `${keptCookie}=${text}`).join('; ')]), now)

const written = Math.floor(now / 1000)

describe('what is kept', () => {
  test('is the newest first, each with its time', () => {
    const text = keptText(
      new Map<KeptName, KeptId>([
        ['gclid', { value: 'OLD', at: now - 2 * day }],
        ['fbclid', { value: 'NEW', at: now }],
        ['fbp', { value: 'fb.1.1763000000000.12', at: now - day }],
      ]),
    )
    expect(text).toBe(`!fbclid:${now}:NEW!fbp:${now - day}:fb.1.1763000000000.12!gclid:${now - 2 * day}:OLD`)
    expect(writeKept(text, now)).toBe(`1:${written}${text}`)
  })

  test('is read back as it was, whatever identifiers may hold', () => {
    const value = fc
      .stringMatching(/^[A-Za-z0-9_\-.~%+/=]{1,120}$/)
      .filter((text) => !/^(?:0|null|deleted|undefined)$/i.test(text))
    const ids = fc.dictionary(
      fc.constantFrom(...clickIdNames),
      fc.record({ value, at: fc.integer({ min: now - 300 * day, max: now }) }),
      { maxKeys: 8 },
    )
    fc.assert(
      fc.property(ids, (given) => {
        const map = new Map(Object.entries(given) as [KeptName, KeptId][])
        const wire = writeKept(keptText(map), now)
        expect(wire).toMatch(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/)
        const kept = read(wire)
        expect(kept).toMatchObject({ writtenAt: written * 1000, text: keptText(map) })
        expect(new Map(kept?.ids)).toEqual(map)
      }),
    )
  })

  test('has an end: the oldest that find no place are left out', () => {
    const map = new Map<KeptName, KeptId>(
      clickIdNames.map((name, index) => [name, { value: `%${'x'.repeat(400)}`, at: now - index }]),
    )
    const wire = writeKept(keptText(map), now)
    expect(wire.length).toBeLessThan(2100)
    expect([...(read(wire)?.ids.keys() ?? [])]).toEqual(clickIdNames.slice(0, 4))
  })

  test('of two copies is the one written last', () => {
    const [older, newer] = [writeKept(`!gclid:${now}:A`, now - 5000), writeKept(`!gclid:${now}:B`, now)]
    expect(read(older, newer)?.ids.get('gclid')?.value).toBe('B')
    expect(read(newer, older)?.ids.get('gclid')?.value).toBe('B')
  })
})

describe('a visitor’s word is taken for no more than it is', () => {
  test.each([
    '',
    'gone',
    '1',
    `2:${written}!gclid:${now}:A`,
    `1:${written + 9000}!gclid:${now}:A`,
    '1:1!gclid:1:A',
    `1:${written}gclid:${now}:A`,
    `1:${written}!!`,
    `1:${written}!gclid:${now}:${'x'.repeat(5000)}`,
    '%E0%A4%A',
  ])('%j is no such cookie', (text) => {
    expect(read(text)).toBeNull()
  })

  test.each([
    `!gclid:${now + 9_000_000}:A`,
    `!gclid:1:A`,
    `!gclid:${now}:`,
    `!gclid:${now}:undefined`,
    `!gclid:${now}:a%0Ab`,
    `!gclid:${now}:${'x'.repeat(501)}`,
    `!__proto__:${now}:A`,
    `!email:${now}:A`,
    `!fbp:${now}:fb.1.2`,
    `!fbp:${now}:A`,
  ])('%s is left out, and its neighbours are not', (item) => {
    const kept = read(`1:${written}!epik:${now}:before${item}!twclid:${now}:behind`)
    expect([...(kept?.ids.keys() ?? [])]).toEqual(['epik', 'twclid'])
  })

  test('nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => [read(`1:${written}!${text}`), read(text)]).not.toThrow()
      }),
    )
  })
})
