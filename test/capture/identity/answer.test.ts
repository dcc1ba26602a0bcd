import { describe, expect, test } from 'vitest'
import { answerCookies } from '../../../src/capture/identity/answer.ts'
import { planCookies } from '../../../src/capture/identity/plan.ts'
import { setCookiesIn, siteWith, visitOf } from './visitor.ts'

const identity = { setCookies: true, fbp: false }
const site = siteWith(identity)

const answered = (
  fields: readonly string[] = [],
  { status = 200, type = 'text/html; charset=utf-8', consent = 'marketing', cookie = '' } = {},
) => {
  const visit = visitOf({ target: '/?gclid=A&fbclid=F', consent, cookie }, site)
  return answerCookies({
    planned: planCookies(visit, identity, { random: () => 0, late: false }),
    visit,
    site,
    answer: { status, rawHeaders: ['Content-Type', type, ...fields] },
  })
}
const namesIn = (fields: readonly string[]) => setCookiesIn(fields).map(({ name }) => name)
const noStore = ['Cache-Control', 'no-store']

describe('cookies go with', () => {
  test.each([200, 201, 203, 302, 303, 307])('a %i', (status) => {
    const { outcome, fields } = answered(noStore, { status })
    expect(outcome).toBe('set')
    expect(namesIn(fields)).toEqual(['_fbc', '_gcl_aw', '_sw_click'])
    expect(fields).not.toContain('Cache-Control')
  })

  test('a page of XHTML', () => {
    expect(answered(noStore, { type: 'application/xhtml+xml' }).outcome).toBe('set')
  })

  test('a page of which the origin says nothing, and then it is marked as one visitor’s', () => {
    const { outcome, fields } = answered()
    expect(outcome).toBe('set')
    expect(fields.slice(-2)).toEqual(['Cache-Control', 'private'])
  })
})

describe('cookies do not go with', () => {
  test.each([204, 205, 206, 301, 304, 308, 400, 404, 410, 500, 503])('a %i', (status) => {
    expect(answered(noStore, { status })).toMatchObject({ outcome: 'status', fields: [] })
  })

  test.each(['', 'text/plain', 'application/json', 'image/png', 'text/html-ish'])('%j', (type) => {
    expect(answered(noStore, { type })).toMatchObject({ outcome: 'content_type', fields: [] })
  })

  test.each([
    ['public, max-age=600', 200],
    ['max-age=600', 200],
    ['s-maxage=600', 302],
  ])('what a shared cache may keep: %s of a %i', (value, status) => {
    expect(answered(['Cache-Control', value], { status })).toMatchObject({ outcome: 'cacheable', fields: [] })
  })

  test('an answer that takes the consent back', () => {
    const taken = (field: string) => answered([...noStore, 'Set-Cookie', field])
    expect(taken('_sw_consent=none; Path=/')).toMatchObject({ outcome: 'consent_withdrawn', fields: [] })
    expect(taken('_sw_consent=; Path=/; Max-Age=0').outcome).toBe('consent_withdrawn')
    expect(taken('_sw_consent=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT').outcome).toBe('consent_withdrawn')
    expect(taken('_sw_consent=marketing.analytics').outcome).toBe('set')
    expect(taken('session=1').outcome).toBe('set')
  })
})

describe('what the origin sets itself', () => {
  test('wins, name by name', () => {
    const { fields } = answered([...noStore, 'Set-Cookie', '_fbc=fb.1.1.theirs; Path=/', 'set-cookie', 'a=b'])
    expect(namesIn(fields)).toEqual(['_gcl_aw', '_sw_click'])
  })

  test('wins when it is taken away, too', () => {
    const { fields } = answered([...noStore, 'Set-Cookie', '_gcl_aw=; Max-Age=0'])
    expect(namesIn(fields)).toEqual(['_fbc', '_sw_click'])
  })

  test('may be all there is', () => {
    const theirs = ['_fbc', '_gcl_aw', '_sw_click'].flatMap((name) => ['Set-Cookie', `${name}=x`])
    expect(answered([...noStore, ...theirs])).toMatchObject({ outcome: 'set_by_origin', fields: [] })
  })

  test('is told by the whole name', () => {
    const { fields } = answered([
      ...noStore,
      'Set-Cookie',
      '_fbcx=1',
      'Set-Cookie',
      'x_fbc=1',
      'Set-Cookie',
      '_FBC=1',
    ])
    expect(namesIn(fields)).toEqual(['_fbc', '_gcl_aw', '_sw_click'])
  })
})

test('a refused consent still takes our own cookie away, on pages that no cache keeps', () => {
  const cookie = '_sw_click=1:1763632800!gclid:1763632800000:A'
  expect(namesIn(answered(noStore, { consent: 'none', cookie }).fields)).toEqual(['_sw_click'])
  expect(answered(['Cache-Control', 'public'], { consent: 'none', cookie }).outcome).toBe('cacheable')
  expect(answered([...noStore, 'Set-Cookie', 'a=b'], { consent: 'none', cookie }).outcome).toBe('set')
})
