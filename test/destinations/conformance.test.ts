import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { destinations, findDestination } from '../../src/destinations/index.ts'
import { nobody, type HttpRequest, type HttpResponse } from '../../src/destinations/destination.ts'
import { strippedFor } from '../../src/destinations/flagged.ts'
import type { Outcome, OutcomeKind } from '../../src/destinations/outcome.ts'
import { userDataFields, type UserData } from '../../src/event/event.ts'
import { standardNames } from '../../src/event/names.ts'
import { anyEvent, anyone, spelling } from './arbitrary.ts'
import {
  allGranted,
  context,
  maximalEvent,
  minimalEvent,
  now,
  plainSettings,
  routed,
  site,
  someone,
} from './events.ts'
import { goldenCasesOf } from './golden.ts'

/** What tags leave in cookies, as far as it is one text. */
const traces = {
  fbp: 'fb.1.1795132700123.1234567890',
  fbc: 'fb.1.1795000000123.IwAR0older',
  ttp: '2F7hExampleCookieIdExample1',
  scid: 'scid-example-0001',
  gaClientId: '1234567890.1795180000',
}

/** One of each platform's, none of them in the page's address but the first. */
const clicksOf = ({ visitor }: typeof maximalEvent) => ({
  ...visitor.clickIds,
  ttclid: { value: 'E.C.P.CExampleClickId' },
  sccid: { value: '0f0e1d2c-example' },
  wbraid: { value: 'CkgKCQiAexampleWbraid' },
})

/** What is asked of every destination, whoever wrote it. */

const kinds: readonly OutcomeKind[] = [
  'delivered',
  'throttled',
  'unavailable',
  'unauthorized',
  'rejected',
  'batch_rejected',
]

const bodies: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['spaces', ' \r\n '],
  ['a page', '<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>'],
  ['half of a JSON object', '{"events_received": 1, "messa'],
  ['a JSON list', '[1,2,3]'],
  ['a JSON null', 'null'],
  ['a JSON number', '1e400'],
  ['an empty object', '{}'],
  ['an error that is a text', '{"error":"no"}'],
  ['an error that is a list', '{"error":[{"code":190}]}'],
  [
    'an error of wrong types',
    '{"error":{"code":"190","message":{},"error_subcode":[],"is_transient":"yes"}}',
  ],
  ['an error without a code', '{"error":{}}'],
  ['a bad event', '{"error":{"code":100,"message":"Invalid parameter"}}'],
  ['a bad token', '{"error":{"code":190,"message":"Invalid token"}}'],
  ['a limit', '{"error":{"code":613,"message":"Too many calls"}}'],
  ['messages of wrong types', '{"events_received":"many","messages":{"a":1},"validationMessages":[null]}'],
  ['a prototype', '{"__proto__":{"error":{"code":190}},"constructor":1}'],
  ['depth', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['binary', '\u0000\ud800\uffff'],
]

const headerSets: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'retry-after': '17' },
  { 'retry-after': 'Fri, 20 Nov 2026 15:01:00 GMT', date: 'Fri, 20 Nov 2026 15:00:00 GMT' },
  { 'retry-after': '-1e99, soon' },
  { 'x-business-use-case-usage': '{"1":[[[[[[{"a":{}}]]]]]]}', 'x-app-usage': '[' },
]

const statuses = [200, 204, 301, 302, 304, 400, 401, 403, 404, 408, 413, 418, 429, 500, 502, 503, 504, 599]

/** What nobody may ever make of an answer. */
const faultOf = (outcome: Outcome, status: number, count: number): string | null => {
  if (!kinds.includes(outcome.kind)) return 'a kind that a destination cannot say'
  if (outcome.reason.trim() === '' || outcome.reason.length > 400) return 'no sentence'
  if (status >= 300 && outcome.kind === 'delivered') return 'delivered'
  if (status === 429 && outcome.kind !== 'throttled') return 'not throttled'
  if (status >= 500 && outcome.kind !== 'unavailable' && outcome.kind !== 'throttled')
    return 'not tried again'
  if (count === 1 && outcome.kind === 'batch_rejected') return 'a batch of one'
  if ('retryAfterMs' in outcome && !((outcome.retryAfterMs ?? -1) >= 0)) return 'a wait that is none'
  return null
}

const hasNull = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.values(value).some(hasNull))

const textOf = ({ url, headers, body }: HttpRequest): string => `${url} ${JSON.stringify(headers)} ${body}`

/** The values of a person that can be read in a text, as typed, or a phone as digits. */
const leaked = (userData: UserData, text: string): readonly string[] =>
  Object.values(userData).filter((raw) => {
    const digits = raw.replace(/\D/g, '')
    return (
      text.toLowerCase().includes(raw.trim().toLowerCase()) || (digits.length > 7 && text.includes(digits))
    )
  })

describe.each(destinations.map((destination) => [destination.name, destination] as const))(
  '%s',
  (name, destination) => {
    const settings = destination.settings.parse(plainSettings[name])
    const minimal = routed(destination, settings, minimalEvent)
    const maximal = routed(destination, settings, maximalEvent, someone)

    test('is found by its names in any case', () => {
      for (const written of [name, name.toUpperCase(), ` ${name} `, ...destination.aliases])
        expect(findDestination(written)).toBe(destination)
    })

    test('has golden cases', () => {
      expect(goldenCasesOf(name).length).toBeGreaterThan(1)
    })

    test('says which version it speaks, from which page, and when somebody looked', () => {
      expect(destination.apiVersion.page).toMatch(/^https:\/\//)
      expect(destination.apiVersion.checkedOn).toMatch(/^\d{4}-\d\d-\d\d$/)
    })

    test('names every standard event, or says that it has none', () => {
      expect(Object.keys(destination.eventNames).sort()).toEqual([...standardNames].sort())
      expect(Object.values(destination.eventNames)).not.toContain('')
    })

    test.each(['quiz_done', 'Quiz finished!', '日本', 'a'.repeat(300), ' x '])(
      'has a name for the custom event %s',
      (written) => {
        expect(destination.customName(written).trim()).not.toBe('')
      },
    )

    test('has match keys that make a grade of 10, or none', () => {
      const sum = destination.matchKeys.reduce((total, { weight }) => total + weight, 0)
      expect([0, 10]).toContain(Math.round(sum * 100) / 100)
      expect(destination.matchKeys.filter((key) => key.present(minimal))).toEqual([])
    })

    test('describes each of its settings', () => {
      const { properties = {} } = z.toJSONSchema(destination.settings, {
        io: 'input',
        unrepresentable: 'any',
      })
      const undescribed = Object.entries(properties)
        .filter(
          ([, property]) =>
            typeof property !== 'object' || !property.title?.trim() || !property.description?.trim(),
        )
        .map(([field]) => field)
      expect(Object.keys(properties).length).toBeGreaterThan(0)
      expect(undescribed).toEqual([])
    })

    test('refuses a setting that it does not know, and to be without settings', () => {
      expect(destination.settings.safeParse({ ...plainSettings[name], noSuchSetting: 1 }).success).toBe(false)
      expect(destination.settings.safeParse({}).success).toBe(false)
    })

    test('goes to its own hosts, and to an endpoint in their place', () => {
      const own = destination.build([maximal], settings, context)
      const { host } = new URL(own.url)
      expect(destination.hosts ?? [host]).toContain(host)
      const elsewhere = destination.build([maximal], settings, {
        ...context,
        endpoint: 'http://127.0.0.1:9001/base/',
      })
      expect(elsewhere.url).toMatch(/^http:\/\/127\.0\.0\.1:9001\/base(?:\/|\?|$)/)
      expect(elsewhere.body).toBe(own.body)
    })

    test.each([
      ['a minimal event', [minimal]],
      ['a maximal event', [maximal]],
      ['a full batch', Array.from({ length: destination.limits.batchSize }, () => maximal)],
    ])('builds a request of %s', (_what, events) => {
      const request = destination.build(events, settings, context)
      expect(Object.keys(request.headers)).toEqual(
        Object.keys(request.headers).map((key) => key.toLowerCase()),
      )
      expect(Buffer.byteLength(request.body)).toBeLessThanOrEqual(destination.limits.maxBodyBytes)
      expect(request.body).not.toMatch(/undefined|\[object|NaN/)
      expect(destination.build(events, settings, context)).toEqual(request)
    })

    test('builds a request of any event, without a null where the body is ours', () => {
      fc.assert(
        fc.property(anyEvent, (event) => {
          const deliverable = routed(destination, settings, event)
          destination.refuse(deliverable, settings, now)
          destination.batchKey(deliverable, settings)
          const { url, body } = destination.build([deliverable], settings, context)
          expect(URL.canParse(url)).toBe(true)
          expect(destination.hosts !== null && hasNull(JSON.parse(body))).toBe(false)
        }),
        { numRuns: 200 },
      )
    })

    test('refuses what is too old', () => {
      const old = { ...maximalEvent, occurredAt: now - destination.limits.maxAgeMs - 1000 }
      expect(destination.refuse(routed(destination, settings, old, someone), settings, now)).toMatchObject({
        status: 'expired',
      })
    })

    test('asks only what leaves nothing behind, at its own hosts', () => {
      for (const question of destination.check?.questions ?? []) {
        const request = question.build(maximal, settings, context)
        const { host } = new URL(request.url)
        expect(destination.hosts ?? [host]).toContain(host)
        expect(question.asks).not.toBe('')
        // Whatever can be sent is either only looked at, or not what an event would be.
        if (request.method !== 'GET')
          expect(request).not.toEqual(destination.build([maximal], settings, context))
        expect(
          question.build(maximal, settings, { ...context, endpoint: 'http://127.0.0.1:9001' }).url,
        ).toMatch(/^http:\/\/127\.0\.0\.1:9001\//)
      }
    })

    /** Google says that it found nothing wrong by saying nothing. */
    const meaningless = bodies.filter(([, body]) => !(name === 'google_ads' && body === '{}'))

    test.each(meaningless)('takes %s for no proof of its credentials, whatever the status', (_what, body) => {
      for (const status of statuses)
        for (const question of destination.check?.questions ?? []) {
          const finding = question.read({ status, headers: {}, body }, maximal, settings, now)
          expect(finding.verdict, `${status} ${question.asks}`).not.toBe('ok')
          expect(finding.reason.trim()).not.toBe('')
        }
    })

    test.each(meaningless)('validates nothing with %s, whatever the status', (_what, body) => {
      const { validation } = destination
      const kindsRead = statuses.flatMap((status) =>
        [1, 3].map((count) => {
          const events = [maximal, minimal, maximal].slice(0, count)
          const outcomes = validation?.read({ status, headers: {}, body }, events, settings) ?? []
          return outcomes.length === (validation === undefined ? 0 : count)
            ? outcomes.map(({ kind }) => kind)
            : ['miscounted']
        }),
      )
      expect(kindsRead.flat()).not.toContain('miscounted')
      expect(kindsRead.flat()).not.toContain('delivered')
    })

    test.each(bodies)('reads %s with any status as one outcome for each event', (_what, body) => {
      const faults = statuses.flatMap((status) =>
        headerSets.flatMap((headers) =>
          [1, 2, 3].flatMap((count) => {
            const response: HttpResponse = { status, headers, body }
            const outcomes = destination.read(response, [maximal, minimal, maximal].slice(0, count), settings)
            const found = outcomes.map((outcome) => faultOf(outcome, status, count))
            return outcomes.length === count ? found.filter((fault) => fault !== null) : ['miscounted']
          }),
        ),
      )
      expect(faults).toEqual([])
    })

    test('reads any answer at all', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 100, max: 599 }),
          fc.oneof(
            fc.string(),
            fc.json(),
            fc.json().map((json) => `{"error":${json}}`),
          ),
          (status, body) => {
            const outcomes = destination.read({ status, headers: {}, body }, [maximal, minimal], settings)
            expect(outcomes.map((outcome) => faultOf(outcome, status, 2))).toEqual([null, null])
          },
        ),
      )
    })

    test('obeys a wait', () => {
      const answer: HttpResponse = { status: 429, headers: { 'retry-after': '17' }, body: '' }
      expect(destination.read(answer, [maximal], settings)).toMatchObject([
        { kind: 'throttled', retryAfterMs: 17_000 },
      ])
    })

    test.each(['unsent', 'unavailable', 'ambiguous'] as const)('has a policy for what is %s', (failure) => {
      const { maxAttempts, delaysMs } = destination.retry(maximal, failure, settings)
      expect(maxAttempts).toBeGreaterThanOrEqual(1)
      expect(delaysMs.length).toBeGreaterThan(0)
      expect(Math.min(...delaysMs)).toBeGreaterThan(0)
    })

    test('lets no raw identifier out, nor onto the disk', () => {
      fc.assert(
        fc.property(anyone, (userData) => {
          const deliverable = routed(destination, settings, maximalEvent, userData)
          const { keys, leftOut } = deliverable.identity
          expect(leaked(userData, textOf(destination.build([deliverable], settings, context)))).toEqual([])
          expect(leaked(userData, JSON.stringify([keys, leftOut]))).toEqual([])
        }),
        { numRuns: 200 },
      )
    })

    test('in its flagged form, where it has one, nothing of a person goes along but address and user agent', () => {
      const form = destination.flagged
      if (form === undefined) return
      const marks = { clickIds: clicksOf(maximalEvent), browserIds: traces }
      fc.assert(
        fc.property(anyone, fc.boolean(), (userData, gpc) => {
          const properties = { customer: userData.externalId ?? '' }
          const event = strippedFor(form, {
            ...maximalEvent,
            page: { url: `https://shop.example/thanks?fbclid=${marks.clickIds.fbclid?.value}&order=1` },
            custom: { ...maximalEvent.custom, properties },
            visitor: { ...maximalEvent.visitor, ...marks },
            consent: { ...allGranted, marketing: 'denied', gpc },
          })
          const whole = routed(destination, settings, maximalEvent, userData)
          const deliverable = { ...whole, event, identity: nobody, flagged: true as const }
          const text = textOf(destination.build([deliverable], settings, context))
          expect(leaked(userData, text)).toEqual([])
          const forbidden = [
            ...Object.values(whole.identity.keys).flat(),
            ...Object.values(marks.clickIds).map(({ value }) => value),
            ...(form.needs === 'analytics' ? [traces.fbp, traces.fbc] : Object.values(traces)),
          ]
          expect(forbidden.filter((mark) => text.includes(mark))).toEqual([])
        }),
        { numRuns: 100 },
      )
    })

    test('knows a person by any spelling', () => {
      fc.assert(
        fc.property(spelling, spelling, (one, other) => {
          const [first, second] = [one, other].map(
            (spell) => destination.identify(spell(someone), settings, site).keys,
          )
          expect(second).toEqual(first)
        }),
      )
    })

    test('hashes no hash', () => {
      const hashed = Object.fromEntries(userDataFields.map((field) => [field, 'AB'.repeat(32)]))
      const keys = Object.values(destination.identify(hashed, settings, site).keys).flat()
      expect(new Set(keys)).toEqual(new Set(['ab'.repeat(32)]))
    })

    test('accounts for what it cannot use, without repeating it', () => {
      const broken: UserData = {
        email: 'not an address',
        phone: '12',
        firstName: '',
        lastName: '  ',
        city: '\t',
        state: '\u00a0',
        zip: '',
        country: 'Atlantis',
        externalId: '',
      }
      const { keys, plain, leftOut } = destination.identify(broken, settings, site)
      expect({ keys, plain }).toEqual({ keys: {}, plain: {} })
      expect(leftOut.map(({ field }) => field).sort()).toEqual([...userDataFields].sort())
      expect(leftOut.map(({ reason }) => reason).join()).not.toMatch(/not an address|Atlantis|12/)
    })
  },
)

test('no two destinations share a name', () => {
  const names = destinations.flatMap(({ name, aliases }) => [name, ...aliases])
  expect(new Set(names).size).toBe(names.length)
  expect(findDestination('no such platform')).toBeNull()
})
