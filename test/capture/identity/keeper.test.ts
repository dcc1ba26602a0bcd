import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTrust } from '../../../src/capture/client-address.ts'
import { createKeeper } from '../../../src/capture/identity/keeper.ts'
import { compileScreen } from '../../../src/capture/screen.ts'
import { readVisit } from '../../../src/capture/visit.ts'
import { now } from './times.ts'
import { headOf, setCookiesIn, siteWith, type Asked } from './visitor.ts'

const page = {
  status: 200,
  rawHeaders: ['Content-Type', 'text/html', 'Cache-Control', 'no-store'],
}
const trust = compileTrust([])
const screen = compileScreen({}, trust)

/** One process of the gateway: it remembers nothing. */
const startProcess = (random: () => number) => {
  let clock = now
  const told: string[] = []
  const keeper = createKeeper({
    now: () => clock,
    random,
    onOutcome: ({ site, outcome }) => told.push(`${site}/${outcome}`),
  })
  return {
    told,
    keeper,
    begin: (asked: Asked, site = siteWith()) => {
      const head = headOf(asked)
      if (!keeper.mayKeep(site, head)) return null
      return keeper.begin(site, head, readVisit(head, site, trust), screen)
    },
    at: (time: number) => {
      clock = time
    },
  }
}

describe('a request is looked at', () => {
  test.each<[string, Asked]>([
    ['of a person who opens a page', {}],
    ['of a browser that says so', { headers: ['Sec-Fetch-Dest', 'document', 'Sec-Fetch-Mode', 'navigate'] }],
  ])('%s', (_name, asked) => {
    expect(startProcess(() => 0).begin({ target: '/?gclid=A', ...asked })).not.toBeNull()
  })
})

describe('a request is let pass', () => {
  test.each<[string, Asked]>([
    ['without cookies', { consent: null }],
    ['of a script', { headers: ['Sec-Fetch-Dest', 'empty', 'Sec-Fetch-Mode', 'cors'] }],
    ['of a picture', { headers: ['Sec-Fetch-Dest', 'image'] }],
    ['of a frame', { headers: ['Sec-Fetch-Dest', 'iframe', 'Sec-Fetch-Mode', 'navigate'] }],
    ['that speculates', { headers: ['Sec-Purpose', 'prefetch;prerender', 'Sec-Fetch-Dest', 'document'] }],
    ['for a piece', { headers: ['Range', 'bytes=0-9'] }],
    [
      'of a visitor who has it all',
      { target: '/', cookie: `_fbp=fb.1.${now}.1; _sw_click=1:${now / 1000}!fbp:${now}:fb.1.${now}.1` },
    ],
  ])('%s', (_name, asked) => {
    expect(startProcess(() => 0).begin({ target: '/?gclid=A', ...asked })).toBeNull()
  })

  test('of a bot', () => {
    const site = { ...siteWith(), bots: { deny: ['Firefox'] } }
    const head = headOf({ target: '/?gclid=A' })
    const { keeper } = startProcess(() => 0)
    expect(keeper.begin(site, head, readVisit(head, site, trust), compileScreen(site, trust))).toBeNull()
  })

  test('of a site that wants no cookies, or says nothing of them', () => {
    const { begin } = startProcess(() => 0)
    expect(begin({ target: '/?gclid=A' }, siteWith({ setCookies: false }))).toBeNull()
    const { identity, ...silent } = siteWith()
    expect(identity).toBeDefined()
    expect(begin({ target: '/?gclid=A' }, silent)).toBeNull()
  })
})

test('what became of each answer is told, and nothing of answers that were to carry nothing', () => {
  const { begin, told } = startProcess(() => 0)
  begin({ target: '/?gclid=A' })?.answered(page)
  begin({ target: '/?gclid=A' })?.answered({ ...page, status: 404 })
  begin({ target: '/?gclid=A' })?.answered({
    status: 200,
    rawHeaders: [...page.rawHeaders, 'Cache-Control', 'public'],
  })
  begin({ consent: null })?.answered(page)
  expect(told).toEqual(['shop/set', 'shop/status', 'shop/cacheable'])
})

describe('the first _fbp', () => {
  /** Milliseconds: after the one before, at the origin, and on the network each way. */
  interface Opened {
    readonly after: number
    readonly takes: number
    readonly travels: number
    /** A click id in its address. */
    readonly click: number | null
  }

  /** A browser opens pages; answers come when they come, and each may change its jar. Answers every `_fbp` ever set. */
  const browse = (pages: readonly Opened[]) => {
    let count = 0
    const processes = [0, 1, 2].map(() => startProcess(() => ((count += 1) % 1000) / 1000))
    const jar = new Map<string, string>()
    const set = new Set<string>()
    const sent = new Set<string>()
    const arrivals: { readonly at: number; readonly fields: readonly string[] }[] = []
    let at = now
    const arrive = (until: number): void => {
      arrivals.sort((a, b) => a.at - b.at)
      while (arrivals[0] !== undefined && arrivals[0].at <= until)
        for (const { name, value } of setCookiesIn(arrivals.shift()!.fields)) {
          jar.set(name, value)
          if (name === '_fbp') set.add(value)
        }
    }
    for (const [index, { after, takes, travels, click }] of pages.entries()) {
      at += after
      arrive(at)
      const process = processes[index % processes.length]!
      const asked = {
        target: click === null ? '/' : `/?gclid=${click}`,
        at: at + travels,
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      }
      const visit = readVisit(headOf(asked), siteWith(), trust)
      if (visit.browserIds.fbp !== undefined) sent.add(visit.browserIds.fbp)
      const keeping = process.begin(asked)
      process.at(at + travels + takes)
      arrivals.push({ at: at + 2 * travels + takes, fields: keeping?.answered(page) ?? [] })
    }
    arrive(Infinity)
    return { set: [...set], sent: [...sent], jar }
  }

  test('is one, though two first pages were asked for at once of two processes', () => {
    const pages = [0, 0, 0, 100, 9_000, 0, 0, 50].map((after) => ({
      after,
      takes: 200,
      travels: 30,
      click: null,
    }))
    const { set, sent, jar } = browse(pages)
    expect(set).toHaveLength(1)
    expect(sent).toEqual(set)
    expect(jar.get('_fbp')).toBe(set[0])
  })

  /** Each row a page: after, takes, travels, click. */
  test.each<[string, readonly (readonly [number, number, number, number | null])[]]>([
    [
      'a rival that is slow on every way',
      [
        [0, 2_000, 999, null],
        [3_000, 2_000, 999, null],
        [3_000, 2_001, 999, null],
        [1_000, 0, 0, null],
        [500, 0, 0, null],
        [1_000, 0, 0, null],
        [1_000, 0, 500, null],
        [10_000, 0, 0, null],
      ],
    ],
    [
      'a first page that arrives when the second has long been looked at',
      [
        [0, 30_000, 0, 1],
        [1_000, 30_000, 0, null],
        [4_000, 0, 0, null],
        [1_000, 0, 0, null],
        [4_000, 0, 0, null],
        [10_000, 30_000, 0, null],
        [10_000, 0, 0, null],
        [10_000, 0, 0, null],
      ],
    ],
  ])('is one with %s', (_name, rows) => {
    const { set } = browse(rows.map(([after, takes, travels, click]) => ({ after, takes, travels, click })))
    expect(set).toHaveLength(1)
  })

  test('is one in whatever order and however slowly pages come, while the network takes less than a second each way', () => {
    // Times at which rivals meet, if they can.
    const step = fc.record({
      after: fc.constantFrom(0, 1, 500, 1_000, 2_000, 3_000, 4_000, 10_000),
      takes: fc.constantFrom(0, 1_000, 2_000, 2_001, 5_000, 30_000),
      travels: fc.constantFrom(0, 500, 999),
      click: fc.constantFrom(null, null, 1, 2),
    })
    let made = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 14 }), (pages) => {
        const { set, sent } = browse(pages)
        made += set.length
        expect(set.length).toBeLessThan(2)
        expect(sent.length).toBeLessThan(2)
      }),
      { numRuns: 1_000 },
    )
    expect(made).toBeGreaterThan(50)
  })
})
