import { describe, expect, test, vi } from 'vitest'
import { orderEventId } from '../../src/event/id.ts'
import type { SiteId } from '../../src/event/brand.ts'
import type { ConsentState } from '../../src/event/consent.ts'
import type { StoredEvent } from '../../src/store/store.ts'
import { until } from '../support/until.ts'
import { startScene, statusesOf, thanksPage, visitorAddress, type Scene, type SceneOptions } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Consent is law: what each platform got, what the journal says of it, and that nothing personal lies on the disk. */

const person = { email: 'ann.shopper@example.com', phone: '+49 151 23456789' }
/** Every spelling in which somebody could be found on the disk or in the log. */
const personal = [person.email, 'ann.shopper%40example.com', person.phone, '4915123456789']
const visitorIds = {
  address: visitorAddress,
  browserId: '1.1763632800000.1234567890',
  gaClient: '1234567890.1763632800',
}

const scene = (options: SceneOptions = {}): Promise<Scene> =>
  startScene({
    origin: (incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(thanksPage(incoming.url?.split(/[/?]/)[2] ?? '', person))
    },
    ...options,
  })

const browserCookies = [`_fbp=fb.${visitorIds.browserId}`, `_ga=GA1.1.${visitorIds.gaClient}`]
const cookies = (...more: readonly string[]): { readonly cookie: string } => ({
  cookie: [...browserCookies, ...more].join('; '),
})

const consentOf = (event: StoredEvent | undefined): ConsentState =>
  (JSON.parse(event?.facts ?? '{}') as { consent: ConsentState }).consent

const received = ({ meta, ga4, hook }: Scene) => ({
  meta: meta.received.length,
  ga4: ga4.received.length,
  hook: hook.received.length,
})
const nothing = { meta: 0, ga4: 0, hook: 0 }
const sentAll = { meta: 'sent', ga4: 'sent', hook: 'sent' }
const deniedAll = { meta: 'consent_denied', ga4: 'consent_denied', hook: 'consent_denied' }
const analyticsOnly = { meta: 'consent_denied', ga4: 'sent', hook: 'consent_denied' }
const marketingOnly = { meta: 'sent', ga4: 'consent_denied', hook: 'sent' }

const findsNone = (haystack: Buffer | string, needles: readonly string[]): void => {
  expect(needles.filter((needle) => haystack.includes(needle))).toEqual([])
}

const oneTrust = (marketing: 0 | 1, analytics: 0 | 1): string =>
  `OptanonConsent=isGpcEnabled=0&datestamp=Fri+Nov+20+2026&version=202510.1.0&interactionCount=1&groups=C0001%3A1%2CC0002%3A${analytics}%2CC0003%3A0%2CC0004%3A${marketing}`
const cookiebot = (marketing: boolean, statistics: boolean): string =>
  `CookieConsent={stamp:%27u8Qx3vN1%27%2Cnecessary:true%2Cpreferences:false%2Cstatistics:${statistics}%2Cmarketing:${marketing}%2Cmethod:%27explicit%27%2Cver:1%2Cutc:1763632800000%2Cregion:%27de%27}`

interface Row {
  readonly name: string
  readonly cookie?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly consent?: NonNullable<SceneOptions['site']>['consent']
  readonly outcome: Readonly<Record<string, string>>
  readonly found: Partial<ConsentState>
}

const everyTool = { sources: ['_sw_consent', 'onetrust', 'cookiebot'] as const }
const rows: readonly Row[] = [
  {
    name: 'granted: every platform gets the order',
    cookie: ['_sw_consent=analytics.marketing.personalization'],
    outcome: sentAll,
    found: { marketing: 'granted', analytics: 'granted', source: '_sw_consent', explicit: true },
  },
  {
    name: 'granted in part: only who may have it gets it',
    cookie: ['_sw_consent=analytics'],
    outcome: analyticsOnly,
    found: { marketing: 'denied', analytics: 'granted', source: '_sw_consent' },
  },
  {
    name: 'denied: nobody gets it',
    cookie: ['_sw_consent=none'],
    outcome: deniedAll,
    found: { marketing: 'denied', analytics: 'denied', source: '_sw_consent' },
  },
  {
    name: 'malformed: a cookie that cannot be read is no grant',
    cookie: ['_sw_consent={"marketing":true}'],
    outcome: deniedAll,
    found: { marketing: 'unknown', analytics: 'unknown', source: 'none' },
  },
  {
    name: 'broken escapes: no grant',
    cookie: ['_sw_consent=%ZZmarketing'],
    outcome: deniedAll,
    found: { marketing: 'unknown', source: 'none' },
  },
  {
    name: 'hostile: the same cookie twice, a grant and a refusal, is a refusal',
    cookie: ['_sw_consent=all', '_sw_consent=none'],
    outcome: deniedAll,
    found: { marketing: 'denied', analytics: 'denied' },
  },
  {
    name: 'unknown: nobody was asked, nobody gets it',
    outcome: deniedAll,
    found: { marketing: 'unknown', analytics: 'unknown', source: 'none' },
  },
  {
    name: 'Sec-GPC: marketing is refused whatever the cookie says',
    cookie: ['_sw_consent=all'],
    headers: { 'sec-gpc': '1' },
    outcome: analyticsOnly,
    found: { marketing: 'denied', analytics: 'granted', gpc: true },
  },
  {
    name: 'Sec-GPC on a site that was told to ignore it',
    cookie: ['_sw_consent=all'],
    headers: { 'sec-gpc': '1' },
    consent: { sources: ['_sw_consent'], gpc: 'ignore' },
    outcome: sentAll,
    found: { marketing: 'granted', gpc: false },
  },
  {
    name: 'OneTrust, marketing refused',
    cookie: [oneTrust(0, 1)],
    consent: { sources: ['onetrust'] },
    outcome: analyticsOnly,
    found: { marketing: 'denied', analytics: 'granted', source: 'onetrust', explicit: true },
  },
  {
    name: 'OneTrust, all accepted',
    cookie: [oneTrust(1, 1)],
    consent: { sources: ['onetrust'] },
    outcome: sentAll,
    found: { marketing: 'granted', analytics: 'granted', source: 'onetrust' },
  },
  {
    name: 'OneTrust, the default of a banner nobody touched, on a site that wants a choice',
    cookie: [oneTrust(1, 1).replace('interactionCount=1', 'interactionCount=0')],
    consent: { sources: ['onetrust'], requireExplicit: true },
    outcome: deniedAll,
    found: { marketing: 'unknown', analytics: 'unknown', source: 'onetrust', explicit: false },
  },
  {
    name: 'Cookiebot, marketing alone',
    cookie: [cookiebot(true, false)],
    consent: { sources: ['cookiebot'] },
    outcome: marketingOnly,
    found: { marketing: 'granted', analytics: 'denied', source: 'cookiebot', explicit: true },
  },
  {
    name: 'a tool this site does not use says nothing',
    cookie: [cookiebot(true, true)],
    consent: { sources: ['_sw_consent'] },
    outcome: deniedAll,
    found: { marketing: 'unknown', source: 'none' },
  },
  {
    name: 'tools that disagree: the stricter answer of each category',
    cookie: ['_sw_consent=marketing.analytics', oneTrust(0, 1), cookiebot(true, true)],
    consent: { sources: [...everyTool.sources] },
    outcome: analyticsOnly,
    found: { marketing: 'denied', analytics: 'granted', conflict: true },
  },
]

describe('an order of a visitor whose consent is', () => {
  test.each(rows)('$name', async ({ cookie = [], headers = {}, consent, outcome, found }) => {
    await using it = await scene(consent === undefined ? {} : { site: { consent } })
    await it.ask(`/order-received/A-1?email=${encodeURIComponent(person.email)}`, {
      headers: { ...cookies(...cookie), ...headers },
    })
    const [event, ...more] = await it.settled(1)
    expect(more).toEqual([])
    expect(event).toMatchObject({
      type: 'purchase',
      orderId: 'A-1',
      ruleId: 'order-placed',
      holdsPersonalData: false,
    })
    expect(statusesOf(event)).toEqual(outcome)
    expect(consentOf(event)).toMatchObject(found)

    const expected = Object.fromEntries(
      Object.entries(outcome).map(([name, status]) => [name, status === 'sent' ? 1 : 0]),
    )
    expect(received(it)).toEqual(expected)
    // Not even a connection was made to those who may know nothing.
    expect({
      meta: it.meta.requests.length,
      ga4: it.ga4.requests.length,
      hook: it.hook.requests.length,
    }).toEqual(expected)
    expect(it.ga4.ignored).toEqual([])

    findsNone(await it.bytesOnDisk(), personal)
    if (!Object.values(outcome).includes('sent'))
      findsNone(await it.bytesOnDisk(), [...Object.values(visitorIds), 'Chrome/142'])
    await it.stop()
    // What was sent needed address and ids until it was settled; now they are gone, too.
    findsNone(await it.bytesOnDisk(), [...personal, ...Object.values(visitorIds), 'Chrome/142'])
    findsNone(it.logText(), [...personal, ...Object.values(visitorIds)])
  })
})

test('a refusal says whose word it was, for the one who asks why Meta did not get this order', async () => {
  await using it = await scene()
  await it.ask('/order-received/A-1', { headers: cookies('_sw_consent=analytics') })
  const [event] = await it.settled(1)
  expect(event?.deliveries.find(({ integration }) => integration === 'shop/meta')).toMatchObject({
    status: 'consent_denied',
    reason: 'marketing was refused (_sw_consent)',
    attempts: 0,
    journal: [],
  })
})

test('consent given after the order page was first seen delivers that order then, once and with its own id', async () => {
  await using it = await scene()
  const visitor = it.visitor()
  visitor.setCookie('_fbp', `fb.${visitorIds.browserId}`)
  visitor.setCookie('_ga', `GA1.1.${visitorIds.gaClient}`)

  await visitor.open('/order-received/A-7')
  const [withheld] = await it.settled(1)
  expect(statusesOf(withheld)).toEqual(deniedAll)
  expect(received(it)).toEqual(nothing)

  visitor.setCookie('_sw_consent', 'analytics.marketing')
  await visitor.open('/order-received/A-7')
  const [delivered, ...more] = await it.settled(1)
  expect(more).toEqual([])
  expect(statusesOf(delivered)).toEqual(sentAll)
  expect(delivered?.eventId).toBe(withheld?.eventId)
  expect(delivered?.eventId).toBe(orderEventId('shop' as SiteId, 'purchase', 'A-7'))
  expect(it.meta.received.map(({ event_id }) => event_id)).toEqual([delivered?.eventId])
  expect(it.hook.received.map(({ json }) => (json as { eventId: string }).eventId)).toEqual([
    delivered?.eventId,
  ])
  expect(it.ga4.received.map(({ params }) => params['transaction_id'])).toEqual(['A-7'])

  await visitor.open('/order-received/A-7')
  await visitor.open('/order-received/A-7')
  const [still] = await it.settled(1)
  expect(still?.duplicates).toBe(2)
  expect(received(it)).toEqual({ meta: 1, ga4: 1, hook: 1 })
  expect(it.meta.deduplicated + it.ga4.deduplicated + it.hook.deduplicated).toBe(0)
})

test('consent given for one platform after another completes the same event', async () => {
  await using it = await scene()
  await it.ask('/order-received/A-8', { headers: cookies('_sw_consent=analytics') })
  expect(statusesOf((await it.settled(1))[0])).toEqual(analyticsOnly)
  await it.ask('/order-received/A-8', { headers: cookies('_sw_consent=analytics.marketing') })
  const events = await it.settled(1)
  expect(events.map(statusesOf)).toEqual([sentAll])
  expect(received(it)).toEqual({ meta: 1, ga4: 1, hook: 1 })
})

test('consent withdrawn before the order: what was seen with it was sent, the order is not', async () => {
  await using it = await startScene()
  const visitor = it.visitor()
  for (const [name, value] of browserCookies.map((pair) => pair.split('='))) visitor.setCookie(name!, value!)
  visitor.setCookie('_sw_consent', 'all')
  await visitor.open('/products/lamp')
  expect(statusesOf((await it.settled(1))[0])).toEqual(sentAll)

  visitor.setCookie('_sw_consent', 'none')
  await visitor.post('/cart', { sku: 'lamp' })
  await visitor.post('/checkout', { email: person.email })
  const [order, view] = await it.settled(2)
  expect([order?.type, view?.type]).toEqual(['purchase', 'view_content'])
  expect(statusesOf(order)).toEqual(deniedAll)
  expect(it.meta.received.map(({ event_name }) => event_name)).toEqual(['ViewContent'])
  expect(it.ga4.received.map(({ name }) => name)).toEqual(['view_item'])
  await it.stop()
  findsNone(await it.bytesOnDisk(), [person.email, ...Object.values(visitorIds)])
  findsNone(it.logText(), [person.email, ...Object.values(visitorIds)])
})

test('consent withdrawn after the order: a reload takes nothing back and sends nothing again', async () => {
  await using it = await scene()
  await it.ask('/order-received/A-9', { headers: cookies('_sw_consent=all') })
  await it.settled(1)
  await it.ask('/order-received/A-9', { headers: cookies('_sw_consent=none') })
  await until(it.events, ([event]) => event?.duplicates === 1)
  expect(statusesOf((await it.settled(1))[0])).toEqual(sentAll)
  expect(received(it)).toEqual({ meta: 1, ga4: 1, hook: 1 })
})

test('who is on the order page travels hashed, in the form each platform asks for', async () => {
  await using it = await scene()
  await it.ask('/order-received/A-1', { headers: cookies('_sw_consent=all') })
  await it.settled(1)
  const [event] = it.meta.received
  expect(event?.user_data).toMatchObject({
    em: expect.arrayContaining([expect.stringMatching(/^[0-9a-f]{64}$/)]),
    ph: expect.arrayContaining([expect.stringMatching(/^[0-9a-f]{64}$/)]),
    client_ip_address: visitorIds.address,
    fbp: `fb.${visitorIds.browserId}`,
  })
  for (const platform of [it.meta, it.ga4, it.hook])
    for (const { text } of platform.requests) findsNone(text, personal)
})

test('a page that prints its customer into the title, the referrer and the address leaves no trace of them', async () => {
  await using it = await startScene({
    origin: (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(
        thanksPage('A-1', person).replace('Thank you', `Thank you, ${person.email} (${person.phone})`),
      )
    },
  })
  await it.ask(`/order-received/A-1?phone=${encodeURIComponent(person.phone)}&m=${person.email}`, {
    headers: {
      ...cookies('_sw_consent=all'),
      referer: `http://shop.example.com/pay/${person.email}?email=${person.email}`,
    },
  })
  const [event] = await it.settled(1)
  expect(statusesOf(event)).toEqual(sentAll)
  for (const platform of [it.meta, it.ga4, it.hook])
    for (const { text } of platform.requests) findsNone(text, personal)
  findsNone(await it.bytesOnDisk(), personal)
  findsNone(it.logText(), personal)
})
