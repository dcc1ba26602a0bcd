import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextFbc, parseMetaCookie } from '../../src/capture/meta-cookie.ts'
import { readCases } from './jsonl.ts'

type Case =
  | { readonly cookie: string; readonly valid: boolean; readonly payload?: string; readonly note?: string }
  | {
      readonly existing: string | null
      readonly fbclid: string
      readonly host?: string
      readonly result: string
    }

const now = 1_763_632_800_000
const cases = readCases<Case>(new URL('./vectors/meta-cookies.jsonl', import.meta.url))
const shapes = cases.filter((item) => 'cookie' in item)
const clicks = cases.filter((item) => 'existing' in item)
/** Dots in the registrable domain of each host: the vectors' own host is www.example.com. */
const subdomainIndex = (host = 'www.example.com') => (host.endsWith('.co.uk') ? 2 : 1)

test('all vectors are here', () => {
  expect([shapes.length, clicks.length]).toEqual([9, 3])
})

describe('the shape of _fbp and _fbc', () => {
  test.each(shapes)('$cookie: valid is $valid', ({ cookie, valid, payload }) => {
    const parsed = parseMetaCookie(cookie)
    expect(parsed !== null).toBe(valid)
    expect(parsed?.payload).toBe(payload ?? parsed?.payload)
  })

  test('a valid value is forwarded unchanged, appendix and all', () => {
    const value = 'fb.1.1763632800000.IwAR0abc.AQQCAQIB'
    expect(parseMetaCookie(value)).toEqual({ value, createdAt: now, payload: 'IwAR0abc' })
  })

  test('seconds are made milliseconds and nothing else is changed', () => {
    expect(parseMetaCookie('fb.2.1763632800.IwAR0abc.Bg')).toEqual({
      value: 'fb.2.1763632800000.IwAR0abc.Bg',
      createdAt: now,
      payload: 'IwAR0abc',
    })
  })

  test.each([
    '',
    'fb',
    'fb.1.1763632800000.a b',
    'fb.1.1763632800000.a\n',
    ' fb.1.1763632800000.a',
    'FB.1.1.a',
  ])('%j is no such cookie', (text) => {
    expect(parseMetaCookie(text)).toBeNull()
  })

  test('a payload longer than 500 characters is none', () => {
    expect(parseMetaCookie(`fb.1.${now}.${'x'.repeat(500)}`)).not.toBeNull()
    expect(parseMetaCookie(`fb.1.${now}.${'x'.repeat(501)}`)).toBeNull()
  })
})

describe('the fbc of a click', () => {
  test.each(clicks)('$fbclid after $existing is $result', ({ existing, fbclid, host, result }) => {
    expect(nextFbc(existing, fbclid, now, subdomainIndex(host))).toBe(result)
  })

  test('a click id that the format cannot carry leaves what was there', () => {
    expect(nextFbc('fb.1.1763000000000.OLD', 'a.b', now, 1)).toBe('fb.1.1763000000000.OLD')
    expect(nextFbc(null, 'a.b', now, 1)).toBeNull()
    expect(nextFbc('broken', 'undefined', now, 1)).toBeNull()
  })

  test('a broken cookie is replaced', () => {
    expect(nextFbc('fb.1..OLD', 'NEW', now, 1)).toBe(`fb.1.${now}.NEW`)
  })

  test('what it answers is a valid cookie, and a second look at the same click changes nothing', () => {
    const clickId = fc
      .stringMatching(/^[A-Za-z0-9_-]{1,60}$/)
      .filter((id) => !/^(0|null|deleted|undefined)$/i.test(id))
    fc.assert(
      fc.property(fc.option(fc.string()), clickId, fc.nat(2), (existing, fbclid, index) => {
        const value = nextFbc(existing, fbclid, now, index)
        expect(parseMetaCookie(value ?? '')?.payload).toBe(fbclid)
        expect(nextFbc(value, fbclid, now + 1000, index)).toBe(value)
      }),
    )
  })
})
