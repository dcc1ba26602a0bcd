import { describe, expect, test, vi } from 'vitest'
import type { StoredDelivery, StoredEvent } from '../../src/store/store.ts'
import { until } from '../support/until.ts'
import { purchase, startScene, statusesOf, thanksPage, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 60_000 })

/** A platform that is away, or out of its mind: its events wait for it, and nobody else's do. */

const cookie = '_sw_consent=all; _ga=GA1.1.1234567890.1763632800; _fbp=fb.1.1763632800000.1234567890'
const scene = (): Promise<Scene> =>
  startScene({
    origin: (incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(thanksPage(incoming.url?.split('/').at(-1) ?? '', { email: 'ann@example.com', phone: '' }))
    },
    rules: [purchase],
  })

const order = (it: Scene, id: string): Promise<unknown> =>
  it.ask(`/order-received/${id}`, { headers: { cookie } })

const deliveryOf = (event: StoredEvent | undefined, integration: string): StoredDelivery | undefined =>
  event?.deliveries.find((one) => one.integration === `shop/${integration}`)

const ordersAt = ({ meta, ga4, hook }: Scene) => ({
  meta: meta.received.map(({ custom_data }) => String(custom_data?.['order_id'])).sort(),
  ga4: ga4.received.map(({ params }) => String(params['transaction_id'])).sort(),
  hook: hook.received
    .map(({ json }) => (json as { customData: { orderId: string } }).customData.orderId)
    .sort(),
})

test('while one platform is down the others get their events, and it gets its own when it is back', async () => {
  await using it = await scene()
  await it.meta.down()
  await order(it, 'A-1')
  await order(it, 'A-2')
  await until(
    () => ordersAt(it),
    ({ ga4, hook }) => ga4.length === 2 && hook.length === 2,
  )
  const waiting = await until(it.events, (events) =>
    events.every((event) => deliveryOf(event, 'meta')?.status === 'retrying'),
  )
  expect(waiting).toHaveLength(2)
  expect(ordersAt(it).meta).toEqual([])
  // The journal says what is wrong, in words and without secrets.
  const [line] = deliveryOf(waiting[0], 'meta')?.journal ?? []
  expect(line).toMatchObject({ outcome: 'unavailable', httpStatus: null })
  expect(line?.reason).toMatch(/refused|connect/i)
  expect(JSON.stringify(waiting)).not.toContain('meta-token-of-the-test')

  await it.meta.up()
  expect((await it.settled(2)).map(statusesOf)).toEqual([
    { meta: 'sent', ga4: 'sent', hook: 'sent' },
    { meta: 'sent', ga4: 'sent', hook: 'sent' },
  ])
  const both = ['A-1', 'A-2']
  expect(ordersAt(it)).toEqual({ meta: both, ga4: both, hook: both })
  expect(it.meta.deduplicated).toBe(0)
})

test('a restart while a platform is down loses nothing and repeats nothing', async () => {
  await using it = await scene()
  await it.meta.down()
  await order(it, 'A-1')
  await until(it.events, ([event]) => deliveryOf(event, 'meta')?.status === 'retrying')
  await until(
    () => ordersAt(it),
    ({ ga4, hook }) => ga4.length === 1 && hook.length === 1,
  )
  await it.stop()
  await it.meta.up()
  await it.restart()
  await order(it, 'A-1')
  const [event] = await it.settled(1)
  expect(statusesOf(event)).toEqual({ meta: 'sent', ga4: 'sent', hook: 'sent' })
  expect(event?.duplicates).toBe(1)
  expect(ordersAt(it)).toEqual({ meta: ['A-1'], ga4: ['A-1'], hook: ['A-1'] })
  expect([it.meta, it.ga4, it.hook].map(({ deduplicated }) => deduplicated)).toEqual([0, 0, 0])
})

interface Row {
  readonly name: string
  readonly misbehaviours: readonly {
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
    readonly resetAfterBody?: boolean
    readonly taken?: boolean
  }[]
  readonly outcomes: readonly string[]
  /** What the platform had to drop as a repeat: the price of a lost answer, and harmless. */
  readonly repeats: number
  readonly counted: number
}

describe('an order is delivered once in effect to a platform that', () => {
  test.each<Row>([
    {
      name: 'fails with 500',
      misbehaviours: [{ status: 500 }],
      outcomes: ['unavailable', 'delivered'],
      repeats: 0,
      counted: 2,
    },
    {
      name: 'asks to slow down with 429 and Retry-After',
      misbehaviours: [{ status: 429, headers: { 'retry-after': '1' } }],
      outcomes: ['throttled', 'delivered'],
      repeats: 0,
      // Being asked to wait is no failure.
      counted: 1,
    },
    {
      name: 'cuts the connection once it has the request, before taking it',
      misbehaviours: [{ resetAfterBody: true }],
      outcomes: ['unavailable', 'delivered'],
      repeats: 0,
      counted: 2,
    },
    {
      name: 'takes the request, and cuts the connection before it says so',
      misbehaviours: [{ resetAfterBody: true, taken: true }],
      outcomes: ['unavailable', 'delivered'],
      repeats: 1,
      counted: 2,
    },
    {
      name: 'takes the request and answers 503',
      misbehaviours: [{ status: 503, taken: true }],
      outcomes: ['unavailable', 'delivered'],
      repeats: 1,
      counted: 2,
    },
    {
      name: 'answers 200 with something that is no answer of its own',
      misbehaviours: [{ status: 200, body: '<html>Sign in to the hotel network</html>' }],
      outcomes: ['unavailable', 'delivered'],
      repeats: 0,
      counted: 2,
    },
  ])('$name', async ({ misbehaviours, outcomes, repeats, counted }) => {
    await using it = await scene()
    it.meta.next(...misbehaviours)
    await order(it, 'A-1')
    const [event] = await it.settled(1)
    expect(statusesOf(event)).toEqual({ meta: 'sent', ga4: 'sent', hook: 'sent' })
    const delivery = deliveryOf(event, 'meta')
    expect(delivery?.journal.map(({ outcome }) => outcome)).toEqual(outcomes)
    expect(delivery?.attempts).toBe(counted)
    expect(ordersAt(it)).toEqual({ meta: ['A-1'], ga4: ['A-1'], hook: ['A-1'] })
    expect(it.meta.deduplicated).toBe(repeats)
    // Every attempt carried the same id.
    const ids = it.meta.requests.map(
      ({ json }) => (json as { data: { event_id: string }[] }).data[0]?.event_id,
    )
    expect(new Set(ids)).toEqual(new Set([event?.eventId]))
    expect(ids).toHaveLength(outcomes.length)
  })
})

test('Retry-After is obeyed for all that waits, not only for the event that was told', async () => {
  await using it = await scene()
  it.meta.next({ status: 429, headers: { 'retry-after': '1' } })
  await order(it, 'A-1')
  const [told] = await until(
    () => it.meta.requests,
    ([first]) => first?.status === 429,
  )
  await until(it.events, ([event]) => deliveryOf(event, 'meta')?.status === 'retrying')
  await order(it, 'A-2')
  await it.settled(2)
  expect(ordersAt(it).meta).toEqual(['A-1', 'A-2'])
  for (const later of it.meta.requests.slice(1)) expect(later.at - told!.at).toBeGreaterThanOrEqual(1_000)
})

test('a platform that refuses our key keeps its events waiting; the others are served, and the log says it', async () => {
  await using it = await scene()
  it.meta.next({
    status: 400,
    body: {
      error: { message: 'Invalid OAuth access token', type: 'OAuthException', code: 190, fbtrace_id: 'x' },
    },
  })
  await order(it, 'A-1')
  const [event] = await until(
    it.events,
    ([one]) =>
      deliveryOf(one, 'meta')?.status === 'retrying' &&
      deliveryOf(one, 'ga4')?.status === 'sent' &&
      deliveryOf(one, 'hook')?.status === 'sent',
  )
  expect(deliveryOf(event, 'meta')).toMatchObject({ attempts: 0, journal: [{ outcome: 'unauthorized' }] })
  expect(it.log().filter(({ outcome }) => outcome === 'unauthorized')).toMatchObject([
    { level: 'warn', site: 'shop', integration: 'meta', events: 1 },
  ])
})

test('a platform that says no to an event is heard: it is dead, in words, and not sent again', async () => {
  await using it = await scene()
  it.hook.next({ status: 422, body: 'unknown order' })
  await order(it, 'A-1')
  const [event] = await it.settled(1)
  expect(statusesOf(event)).toEqual({ meta: 'sent', ga4: 'sent', hook: 'failed' })
  expect(deliveryOf(event, 'hook')).toMatchObject({
    attempts: 1,
    journal: [{ outcome: 'rejected', httpStatus: 422 }],
  })
  expect(it.hook.requests).toHaveLength(1)
})
