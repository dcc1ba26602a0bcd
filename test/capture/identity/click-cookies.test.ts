import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readClickIds } from '../../../src/capture/click-ids.ts'
import { readCookies } from '../../../src/capture/cookies.ts'
import { clickCookies } from '../../../src/capture/identity/click-cookies.ts'
import { clickIdNames } from '../../../src/event/click-ids.ts'
import { now } from './times.ts'

const written = clickCookies.flatMap(({ id, cookie, write }) =>
  write === undefined ? [] : [{ id, cookie, write }],
)
const click = { value: 'AbC_-9', seenAt: 1_763_000_000_123, subdomainIndex: 2 }

test('every click id has one cookie that we write', () => {
  expect(written.map(({ id }) => id).sort()).toEqual([...clickIdNames].sort())
})

describe('the cookie of', () => {
  test.each([
    ['fbclid', '_fbc=fb.2.1763000000123.AbC_-9'],
    ['gclid', '_gcl_aw=GCL.1763000000.AbC_-9'],
    ['wbraid', '_gcl_gb=GCL.1763000000.AbC_-9'],
    ['gbraid', '_gcl_ag=2.1.kAbC_-9$i1763000000'],
    ['dclid', '_gcl_dc=GCL.1763000000.AbC_-9'],
    ['ttclid', 'ttclid=AbC_-9'],
    ['sccid', '_scclid=AbC_-9'],
    ['epik', '_epik=AbC_-9'],
    ['twclid', '_twclid=%7B%22timestamp%22%3A1763000000123%2C%22twclid%22%3A%22AbC_-9%22%7D'],
    ['li_fat_id', 'li_fat_id=AbC_-9'],
    ['rdt_cid', '_rdt_cid=AbC_-9'],
    ['msclkid', '_uetmsclkid=_uetAbC_-9'],
  ])('%s is %s', (name, expected) => {
    const { cookie, write } = written.find(({ id }) => id === name)!
    expect(`${cookie}=${write(click)}`).toBe(expected)
  })
})

test('a click that Meta’s format cannot carry gets none', () => {
  const { write } = written.find(({ id }) => id === 'fbclid')!
  expect(write({ ...click, value: 'a.b' })).toBeNull()
})

test('what is written is what is read back, whatever an identifier may hold', () => {
  const value = fc
    .stringMatching(/^[A-Za-z0-9_\-~%+/=]{1,80}$/)
    .filter((text) => !/^(?:0|null|deleted|undefined)$/i.test(text) && !text.startsWith('_uet'))
  fc.assert(
    fc.property(value, fc.constantFrom(...written), (text, { id, cookie, write }) => {
      const seenAt = now - 1000
      const wire = write({ value: text, seenAt, subdomainIndex: 1 })
      expect(wire).toMatch(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/)
      const jar = readCookies(['Cookie', `a=b; ${cookie}=${wire}`])
      const read = readClickIds({ query: '', jar, referrer: undefined, host: 'shop.example', now })
      expect(read[id]?.value).toBe(text)
      expect(Math.abs((read[id]?.seenAt ?? seenAt) - seenAt)).toBeLessThan(1000)
    }),
  )
})
