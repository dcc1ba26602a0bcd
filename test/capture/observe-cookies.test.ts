import { describe, expect, test } from 'vitest'
import type { ResponseHead } from '../../src/capture/capture.ts'
import { compileTrust } from '../../src/capture/client-address.ts'
import { createKeeper } from '../../src/capture/identity/keeper.ts'
import { compileMatcher } from '../../src/capture/match.ts'
import { createCapture } from '../../src/capture/observe.ts'
import { createDomPool } from '../../src/capture/page/dom-pool.ts'
import { createProductCache } from '../../src/capture/product-cache.ts'
import type { Rule, SiteTraffic } from '../../src/capture/rules.ts'
import type { CapturedEvent } from '../../src/event/event.ts'
import { now } from './identity/times.ts'
import { headOf, setCookiesIn, siteWith, type Asked } from './identity/visitor.ts'

/** What capture adds to answers, with rules and without. */

const page: ResponseHead = {
  status: 200,
  rawHeaders: ['Content-Type', 'text/html', 'Cache-Control', 'no-store'],
}
const thanks: Rule = {
  id: 'thanks',
  match: { path: '/thanks' },
  actions: [
    {
      type: 'fire_conversion_event',
      eventType: 'purchase',
      enrich: 'off',
      extract: { orderId: { query: 'order' } },
    },
  ],
}

const startCapture = (
  site: SiteTraffic = siteWith(),
  { keeps = true, outcome = () => {} }: { keeps?: boolean; outcome?: () => void } = {},
) => {
  const events: CapturedEvent[] = []
  const skips: string[] = []
  const faults: unknown[] = []
  const dom = createDomPool()
  const keeper = createKeeper({ now: () => now, random: () => 0.5, onOutcome: outcome })
  const matcher = compileMatcher([{ ...site, rules: [thanks] }])
  const capture = createCapture({
    matcher: () => matcher,
    trust: compileTrust([]),
    reader: { dom, products: createProductCache() },
    onEvent: (event) => Promise.resolve(events.push(event)),
    ...(keeps ? { keeper } : {}),
    onSkip: ({ rule, reason }) => skips.push(`${rule}: ${reason}`),
    onFault: (error) => faults.push(error),
  })
  return {
    events,
    skips,
    faults,
    begin: (asked: Asked) => capture.begin(headOf(asked)),
    [Symbol.asyncDispose]: () => dom.close(),
  }
}

const namesIn = (fields: readonly string[] = []) => setCookiesIn(fields).map(({ name }) => name)

describe('a landing that no rule matches', () => {
  test('gets its cookies, and no more of its answer is looked at', async () => {
    await using it = startCapture()
    const observation = it.begin({ target: '/?gclid=A' })
    const amendment = observation?.responseHead(page)
    expect(namesIn(amendment?.fields)).toEqual(['_gcl_aw', '_sw_click'])
    expect(amendment?.over).toBe(true)
    expect(observation?.end()).toBeNull()
    expect([it.events, it.skips]).toEqual([[], []])
  })

  test('that gets none is over all the same', async () => {
    await using it = startCapture()
    const amendment = it.begin({ target: '/?gclid=A' })?.responseHead({ ...page, status: 500 })
    expect(amendment).toEqual({ fields: [], over: true })
  })

  test.each<[string, SiteTraffic, boolean]>([
    ['of a site that wants none', siteWith({ setCookies: false }), true],
    ['before a host that only looks on', siteWith(), false],
  ])('is not looked at %s', async (_name, site, keeps) => {
    await using it = startCapture(site, { keeps })
    expect(it.begin({ target: '/?gclid=A' })).toBeNull()
  })
})

describe('a page that a rule matches', () => {
  test('fires and gets its cookies; the event has the ids as they will be', async () => {
    await using it = startCapture()
    const observation = it.begin({ target: '/thanks?order=7&fbclid=FB', host: 'shop.example.co.uk' })
    const amendment = observation?.responseHead(page)
    const set = setCookiesIn(amendment?.fields ?? [])
    expect(amendment?.over).toBeUndefined()
    await observation?.end()
    const [captured] = it.events
    expect(captured?.event.visitor.browserIds.fbc).toBe(`fb.2.${now}.FB`)
    expect(set.find(({ name }) => name === '_fbc')?.value).toBe(`fb.2.${now}.FB`)
    expect(captured?.event.visitor.clickIds.fbclid).toEqual({ value: 'FB', seenAt: now })
  })

  test('and does not fire may get its cookies: a prefetch gets neither', async () => {
    await using it = startCapture()
    expect(it.begin({ target: '/thanks?gclid=A', headers: ['Sec-Purpose', 'prefetch'] })).toBeNull()
    expect(it.skips).toEqual(['thanks: prefetch'])
    const redirected = it.begin({ target: '/thanks?gclid=A' })?.responseHead({ ...page, status: 302 })
    expect(namesIn(redirected?.fields)).toEqual(['_gcl_aw', '_sw_click'])
    expect(it.skips).toEqual(['thanks: prefetch', 'thanks: status'])
  })

  test('before a host that only looks on adds nothing', async () => {
    await using it = startCapture(siteWith(), { keeps: false })
    expect(it.begin({ target: '/thanks?order=7&gclid=A' })?.responseHead(page)).toBeNull()
  })

  test('fires though the keeping of cookies fails', async () => {
    const fault = new Error('a bug')
    await using it = startCapture(siteWith(), {
      outcome: () => {
        throw fault
      },
    })
    const observation = it.begin({ target: '/thanks?order=7&gclid=A' })
    expect(observation?.responseHead(page)).toBeNull()
    await observation?.end()
    expect(it.events).toHaveLength(1)
    expect(it.faults).toEqual([fault])
  })
})
