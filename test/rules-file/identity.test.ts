import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/rules-file/parse.ts'
import { formatProblems } from '../../src/rules-file/problem.ts'
import { depsWith, fileWith } from './deps.ts'

const read = (site: object) => parseRules(fileWith({ site }), depsWith())
const said = (result: ReturnType<typeof read>): string =>
  formatProblems('rules.json', result.ok ? result.warnings : result.problems)

describe('the cookies of a site', () => {
  test.each([
    { setCookies: true },
    { setCookies: false },
    { setCookies: true, cookieDomain: 'shop.example', maxAgeDays: 400, secure: true, fbp: false },
  ])('may be %j', (identity) => {
    expect(read({ identity })).toMatchObject({ ok: true, sites: [{ traffic: { identity } }] })
  })

  test.each<[object, RegExp]>([
    [{}, /sites\[0\]\.identity: the key "setCookies" is missing/],
    [{ setCookies: 'yes' }, /sites\[0\]\.identity\.setCookies: /],
    [{ setCookies: true, cookiedomain: 'x.example' }, /did you mean "cookieDomain"/],
    [{ setCookies: true, maxAgeDays: 401 }, /maxAgeDays: must be at most 400/],
    [{ setCookies: true, maxAgeDays: 0 }, /maxAgeDays: must be at least 1/],
    [
      { setCookies: true, cookieDomain: '.shop.example' },
      /cookieDomain: .*without a leading dot, as in example\.com/,
    ],
    [{ setCookies: true, cookieDomain: 'localhost' }, /cookieDomain: /],
    [{ setCookies: true, cookieDomain: 'co.uk' }, /cookieDomain: .*a suffix that many sites share/],
    [{ setCookies: true, cookieDomain: 'myshopify.com' }, /a suffix that many sites share/],
    [{ setCookies: true, cookieDomain: '127.0.0.1' }, /it is an address/],
    [
      { setCookies: true, cookieDomain: 'other.example' },
      /sites\[0\]\.identity\.cookieDomain: a page of "shop\.example" can set no cookies for "other\.example"/,
    ],
  ])('may not be %j', (identity, expected) => {
    const result = read({ identity })
    expect(result.ok).toBe(false)
    expect(said(result)).toMatch(expected)
  })
})
