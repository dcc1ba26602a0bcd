import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { noConsentSignal } from '../../src/event/consent.ts'
import type { UserData } from '../../src/event/event.ts'
import { diagnose } from '../../src/delivery/diagnostics.ts'
import { decodeFacts } from '../../src/delivery/records.ts'
import { simplePlatform } from '../support/destination.ts'
import { startEngine } from '../support/engine.ts'
import { captured, someIntegration } from '../support/events.ts'
import { startScripted } from '../support/scripted.ts'
import { until } from '../support/until.ts'

const dayMs = 86_400_000
const ever = { site: 'shop', from: 0, to: 1e15 }
const recent = (id: string, userData: UserData = {}, over: object = {}) =>
  captured({ id: id as EventId, occurredAt: Date.now(), ...over }, userData)

/** Recognises by e-mail (7) and address (3). */
const recognising = simplePlatform({
  matchKeys: [
    { key: 'ip', weight: 3, present: ({ event }) => event.visitor.ip !== undefined },
    { key: 'em', weight: 7, present: ({ identity }) => 'email' in identity.keys },
  ],
})

describe('diagnostics', { timeout: 30_000 }, () => {
  test('say per integration and day what arrived, what did not and why, what came twice, and how well it matched', async () => {
    await using server = await startScripted((events) => (events.some(({ id }) => id === 'dead') ? 400 : 200))
    await using engine = await startEngine([
      someIntegration({ id: 'ads', endpoint: server.url }, recognising),
      someIntegration({ id: 'hook', endpoint: server.url }, simplePlatform({ matchKeys: [] })),
    ])
    const email = { email: 'ann@example.com' }
    await engine.intake.accept([recent('full', email), recent('half'), recent('dead')])
    await engine.intake.accept([recent('denied', email, { consent: noConsentSignal })])
    await engine.intake.accept([recent('full', email)])
    await engine.intake.accept([recent('full', email), recent('half')])
    await until(
      () => engine.store.backlog(),
      (lanes) => lanes.length === 0,
    )
    const { days, complete } = await diagnose(engine.store, ever)
    const sum = (integration: string) => {
      const mine = days.filter((one) => one.integration === integration)
      const total = (of: (one: (typeof days)[number]) => number) =>
        mine.reduce((all, one) => all + of(one), 0)
      return {
        accepted: total((one) => one.accepted),
        delivered: total((one) => one.delivered),
        failed: total((one) => one.failed),
        pending: total((one) => one.pending),
        denied: total(({ refused }) => refused.consent_denied ?? 0),
        duplicates: total((one) => one.duplicates),
      }
    }
    const expected = { accepted: 4, delivered: 2, failed: 1, pending: 0, denied: 1, duplicates: 3 }
    expect(sum('shop/ads')).toEqual(expected)
    expect(sum('shop/hook')).toEqual(expected)
    expect(complete).toBe(true)
    for (const one of days) {
      expect(one.day).toMatch(/^\d{4}-\d{2}-\d{2}$/)
      expect(one.coverage).toBeCloseTo(one.delivered / one.accepted, 4)
    }
    // Midnight may fall between two of them; on any other day there is one line for each.
    if (days.length === 2) {
      expect(days[0]).toMatchObject({
        integration: 'shop/ads',
        coverage: 0.5,
        duplicateRate: 0.4286,
        matchQuality: { grade: 5.3, events: 3 },
      })
      expect(days[1]).toMatchObject({ integration: 'shop/hook', matchQuality: null })
    }
  })

  test('the event itself knows its grade and what would raise it, and names nobody', async () => {
    await using server = await startScripted()
    await using engine = await startEngine([
      someIntegration({ id: 'ads', endpoint: server.url }, recognising),
      someIntegration({ id: 'hook', endpoint: server.url }, simplePlatform({ matchKeys: [] })),
    ])
    await engine.intake.accept([
      recent('known', { email: 'ann@example.com' }),
      recent('unknown', {}, { visitor: { clickIds: {}, browserIds: {} } }),
      recent('denied', {}, { consent: noConsentSignal }),
    ])
    const quality = async (id: string) => decodeFacts((await engine.event(id))!.facts).quality
    expect(await quality('known')).toEqual({ ads: { grade: 10, missing: [] } })
    expect(await quality('unknown')).toEqual({ ads: { grade: 0, missing: ['em', 'ip'] } })
    expect(await quality('denied')).toBeUndefined()
    expect((await engine.event('known'))!.facts).not.toContain('ann@example.com')
  })

  test('days are those of the acceptance, the oldest first, and only those asked for', async () => {
    const now = Date.parse('2026-11-20T12:00:00Z')
    const status = 'sent'
    const tallies = [5, 4, 6].map((ago) => ({
      integration: 'shop/ads',
      day: Math.floor(now / dayMs) - ago,
      status,
      deliveries: 10,
      duplicates: 0,
      graded: 0,
      grades: 0,
    }))
    const asked: object[] = []
    const { days } = await diagnose(
      {
        tally: async (query) => {
          asked.push(query)
          return { tallies: tallies as never, nextCursor: null }
        },
      },
      { site: 'shop', from: 1, to: 2 },
    )
    expect(asked).toEqual([{ site: 'shop', from: 1, to: 2 }])
    expect(days.map(({ day }) => day)).toEqual(['2026-11-14', '2026-11-15', '2026-11-16'])
  })

  test('more than anybody waits for is said to be incomplete', async () => {
    const page = (nextCursor: string | null) => ({
      tallies: [
        {
          integration: 'a/b',
          day: 1,
          status: 'sent' as const,
          deliveries: 2,
          duplicates: 1,
          graded: 0,
          grades: 0,
        },
      ],
      nextCursor,
    })
    const endless = { tally: async () => page('more') }
    expect(await diagnose(endless, ever, 3)).toMatchObject({ complete: false, days: [{ accepted: 6 }] })
    let pages = 0
    const three = { tally: async () => page((pages += 1) < 3 ? 'more' : null) }
    expect(await diagnose(three, ever, 3)).toMatchObject({
      complete: true,
      days: [{ accepted: 6, duplicates: 3 }],
    })
  })
})
