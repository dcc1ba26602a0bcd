import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createAddressGuard } from '../../../src/delivery/address-guard.ts'
import { createTransport } from '../../../src/delivery/http.ts'
import type { BuildContext, HttpRequest } from '../../../src/destinations/destination.ts'
import { webhook } from '../../../src/destinations/webhook/index.ts'
import { startWebhook } from '../../platforms/webhook.ts'
import { deliverable, now } from './deliverable.ts'

const url = 'https://crm.example.com/hook?v=2'
const signing = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const context: BuildContext = { site: 'shop', integration: 'crm', now, attempt: 1 }
const sha = (text: string): string => createHash('sha256').update(text).digest('hex')

const settingsOf = (more: object = {}): unknown => webhook.settings.parse({ url, ...more })
const build = (more: object = {}, event = deliverable(), over: Partial<BuildContext> = {}): HttpRequest =>
  webhook.build([event], settingsOf(more), { ...context, ...over })
const bodyOf = (more: object = {}, event = deliverable()): unknown => JSON.parse(build(more, event).body)

const known = { keys: { email_sha256: sha('zoe@example.com'), first_name_sha256: sha('zoë') } } as never
const plainly = { ...(known as object), plain: { email: 'zoe@example.com', first_name: 'Zoë' } } as never

describe('a request', () => {
  test('goes to the address with the event’s id, the time of this attempt, and a mark against loops', () => {
    expect(build()).toMatchObject({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'msg_0f1e2d3c4b5a69788796a5b4c3d2e1f0',
        'webhook-timestamp': String(Math.floor(now / 1000)),
        'x-gateway-hop': '1',
      },
    })
    expect(build()['headers']).not.toHaveProperty('webhook-signature')
  })

  test.each(['PUT', 'PATCH'])('is sent with %s where the site wants that', (method) => {
    expect(build({ method }).method).toBe(method)
  })

  test('keeps its id and its body on a retry, and has a new time and signature', () => {
    const auth = { type: 'signature', secret: signing }
    const [first, second] = [
      build({ auth }),
      build({ auth }, deliverable(), { now: now + 5_000, attempt: 2 }),
    ]
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
    expect(second.body).toBe(first.body)
    expect(second.headers['webhook-timestamp']).not.toBe(first.headers['webhook-timestamp'])
    expect(second.headers['webhook-signature']).not.toBe(first.headers['webhook-signature'])
  })

  test.each([
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/hook?v=2'],
    ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000/hook?v=2'],
    ['https://proxy.example/out/', 'https://proxy.example/out/hook?v=2'],
  ])('goes to the endpoint %s instead, path and query kept', (endpoint, expected) => {
    expect(build({}, deliverable(), { endpoint }).url).toBe(expected)
  })

  test('never carries a fragment', () => {
    expect(build({ url: 'https://crm.example.com/a#b' }).url).toBe('https://crm.example.com/a')
  })

  test('carries one event, and nothing else will do', () => {
    expect(() => webhook.build([deliverable(), deliverable()], settingsOf(), context)).toThrow(
      'one event per request',
    )
  })
})

describe('authentication', () => {
  test.each([
    ['none', { type: 'none' }, 'authorization', undefined],
    ['bearer', { type: 'bearer', token: 'abc' }, 'authorization', 'Bearer abc'],
    [
      'basic, in UTF-8',
      { type: 'basic', username: 'shop', password: 'pä:ß' },
      'authorization',
      `Basic ${Buffer.from('shop:pä:ß').toString('base64')}`,
    ],
    ['an API key', { type: 'api_key', value: 'abc' }, 'x-api-key', 'abc'],
    [
      'an API key in a header of its own',
      { type: 'api_key', header: 'X-Shop', value: 'abc' },
      'x-shop',
      'abc',
    ],
  ])('%s', (_, auth, header, value) => {
    expect(build({ auth }).headers[header]).toBe(value)
  })

  test('hmac signs the bytes of the body', () => {
    const request = build({ auth: { type: 'hmac', secret: 'tis a secret' }, body: { name: 'Zoë' } })
    const hex = createHmac('sha256', 'tis a secret').update('{"name":"Zoë"}').digest('hex')
    expect(request.headers['x-signature-256']).toBe(`sha256=${hex}`)
    const longer = build({
      auth: { type: 'hmac', secret: 's', header: 'X-Sig', algorithm: 'sha512' },
      body: {},
    })
    expect(longer.headers['x-sig']).toBe(`sha512=${createHmac('sha512', 's').update('{}').digest('hex')}`)
  })

  test('signature signs id, time and body, once per secret', () => {
    const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
    const request = build({
      auth: { type: 'signature', secret: signing, secrets: [other, signing] },
      body: {},
    })
    const content = `${request.headers['webhook-id']}.${request.headers['webhook-timestamp']}.{}`
    const of = (secret: string): string =>
      `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
        .update(content)
        .digest('base64')}`
    expect(request.headers['webhook-signature']).toBe(`${of(signing)} ${of(other)}`)
  })
})

describe('headers of the site', () => {
  test('are filled in, in lower case, and may name another content type', () => {
    const { headers } = build({
      headers: { 'X-Event': '{{event_type}} {{order_id}}', 'Content-Type': 'application/vnd.shop+json' },
    })
    expect(headers).toMatchObject({
      'x-event': 'purchase A-1001',
      'content-type': 'application/vnd.shop+json',
    })
  })

  test('are never broken in two by what an event holds, and stay ASCII', () => {
    const orderId = 'A\r\nX-Evil: 1\u0000\u0085 ü日\ud800'
    const { headers } = build(
      { headers: { 'X-Order': 'id={{order_id}}' } },
      deliverable({ custom: { orderId } }),
    )
    expect(headers['x-order']).toBe(`id=A X-Evil: 1  ${encodeURIComponent('ü日\ufffd')}`)
    expect(headers).not.toHaveProperty('x-evil')
  })

  test('too long once they are filled in keep the event from being sent', () => {
    const long = 'x'.repeat(5000)
    const event = deliverable({ page: { url: `https://shop.example.com/${long}` } })
    const settings = settingsOf({ headers: { 'X-A': '{{url}}', 'X-B': '{{url}}' } })
    expect(webhook.refuse(event, settings, now)).toEqual({
      status: 'unmatchable',
      reason: 'template_headers_too_large: at most 8192 bytes',
    })
  })
})

describe('the body without a template', () => {
  test('is the event, absent facts left out', () => {
    expect(bodyOf({}, deliverable({}, known))).toEqual({
      eventId: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
      eventType: 'purchase',
      eventName: 'purchase',
      eventTime: '2026-11-20T15:59:55.250Z',
      site: 'shop',
      source: 'page',
      ruleId: 'order-placed',
      page: { url: 'https://shop.example.com/thanks?step=3', referrer: 'https://shop.example.com/cart' },
      customData: {
        value: 99.99,
        currency: 'EUR',
        orderId: 'A-1001',
        contentIds: ['sku-1', 'sku-2'],
        contents: [
          { id: 'sku-1', quantity: 2, price: 24.5 },
          { id: 'sku-2', quantity: 1, price: 50.99, name: 'Mug "Zoë"' },
        ],
        numItems: 3,
        properties: { plan: 'pro' },
      },
      userData: { email: sha('zoe@example.com'), firstName: sha('zoë') },
      clickIds: { gclid: 'Cj0-abc' },
      browserIds: { fbp: 'fb.1.1763632000000.123', gaClientId: '1.2' },
      consent: { analytics: 'granted', marketing: 'granted', personalization: 'denied', source: 'onetrust' },
    })
  })

  test('of a bare event is bare', () => {
    const event = deliverable({
      page: {},
      custom: {},
      visitor: { clickIds: {}, browserIds: {} },
      source: 'ingest',
    })
    const { ruleId: _, ...bare } = event.event
    expect(Object.keys(bodyOf({}, { ...event, event: bare }) as object)).toEqual([
      'eventId',
      'eventType',
      'eventName',
      'eventTime',
      'site',
      'source',
      'consent',
    ])
  })

  test('holds plain data, and the hashes beside it, only where the integration asked for it', () => {
    expect(bodyOf({ allowPlainPii: true }, deliverable({}, plainly))).toMatchObject({
      userData: {
        email: 'zoe@example.com',
        emailSha256: sha('zoe@example.com'),
        firstName: 'Zoë',
        firstNameSha256: sha('zoë'),
      },
    })
    expect(JSON.stringify(bodyOf({}, deliverable({}, plainly)))).not.toMatch(/zoe@|"Zoë"/)
  })
})

test('what looks personal in properties and searches travels only where plain data was asked for', () => {
  const event = deliverable({
    custom: {
      searchString: 'zoe@example.com',
      properties: { customerEmail: 'x', note: 'mail zoe@example.com', plan: 'pro', seats: 3 },
    },
  })
  const body = '[{{custom}}, {{search_term}}]'
  expect(bodyOf({}, event)).toMatchObject({ customData: { properties: { plan: 'pro', seats: 3 } } })
  expect(build({}, event).body).not.toContain('zoe@')
  expect(bodyOf({ body }, event)).toEqual([{ plan: 'pro', seats: 3 }, null])
  expect(bodyOf({ body, allowPlainPii: true }, event)).toEqual([
    event.event.custom.properties,
    'zoe@example.com',
  ])
})

describe('the body of a template', () => {
  test('of the rules file’s example', () => {
    expect(bodyOf({ body: { type: '{{event_type}}', amount: '{{value}}', order: '{{order_id}}' } })).toEqual({
      type: 'purchase',
      amount: '99.99',
      order: 'A-1001',
    })
  })

  test('can name every variable', () => {
    const names =
      `event_id event_type event_name event_time event_time_ms event_time_iso site_id integration_id rule_id source test
      url path host referrer title value currency order_id content_ids content_name content_type contents num_items search_term
      email email_sha256 phone first_name user.email user.first_name_sha256 ip_address user_agent click_ids.gclid click_ids.fbclid
      cookies.fbp cookies.ga_client_id consent.granted consent.raw custom.plan`.split(/\s+/)
    const body = `{${names.map((name) => `"${name}": {{${name}}}`).join(',')}}`
    expect(bodyOf({ body }, deliverable({}, known))).toEqual({
      event_id: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
      event_type: 'purchase',
      event_name: 'purchase',
      event_time: 1795190395,
      event_time_ms: 1795190395250,
      event_time_iso: '2026-11-20T15:59:55.250Z',
      site_id: 'shop',
      integration_id: 'crm',
      rule_id: 'order-placed',
      source: 'gateway',
      test: false,
      url: 'https://shop.example.com/thanks?step=3',
      path: '/thanks',
      host: 'shop.example.com',
      referrer: 'https://shop.example.com/cart',
      title: 'Thanks',
      value: 99.99,
      currency: 'EUR',
      order_id: 'A-1001',
      content_ids: ['sku-1', 'sku-2'],
      content_name: null,
      content_type: null,
      contents: deliverable().event.custom.contents,
      num_items: 3,
      search_term: null,
      email: sha('zoe@example.com'),
      email_sha256: sha('zoe@example.com'),
      phone: null,
      first_name: sha('zoë'),
      'user.email': sha('zoe@example.com'),
      'user.first_name_sha256': sha('zoë'),
      ip_address: '198.51.100.7',
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
      'click_ids.gclid': 'Cj0-abc',
      'click_ids.fbclid': null,
      'cookies.fbp': 'fb.1.1763632000000.123',
      'cookies.ga_client_id': '1.2',
      'consent.granted': ['analytics', 'marketing'],
      'consent.raw': 'C0002:1,C0004:1',
      'custom.plan': 'pro',
    })
  })

  test('names a person by hash, or plainly where that is allowed', () => {
    const body = '{"e": {{email}}, "h": {{email_sha256}}, "p": {{phone | omit}}}'
    const hashed = sha('zoe@example.com')
    expect(bodyOf({ body }, deliverable({}, plainly))).toEqual({ e: hashed, h: hashed })
    expect(bodyOf({ body, allowPlainPii: true }, deliverable({}, plainly))).toEqual({
      e: 'zoe@example.com',
      h: hashed,
    })
    expect(bodyOf({ body, allowPlainPii: true }, deliverable({}, known))).toEqual({ e: null, h: hashed })
  })

  test('tells an event of a test and one of a back end apart', () => {
    const event = deliverable({ source: 'ingest', custom: { properties: { test: true } } })
    expect(bodyOf({ body: '[{{source}}, {{test}}]' }, event)).toEqual(['ingest', true])
  })
})

describe('an event is refused', () => {
  test('when a variable the template cannot do without is missing, by its name', () => {
    const settings = settingsOf({ body: '{"order": {{order_id | required}}}' })
    expect(webhook.refuse(deliverable(), settings, now)).toBeNull()
    expect(webhook.refuse(deliverable({ custom: {} }), settings, now)).toEqual({
      status: 'unmatchable',
      reason: 'template_missing_variable: order_id',
    })
  })

  test('when a header cannot do without it', () => {
    const settings = settingsOf({ headers: { 'X-Order': '{{order_id | required}}' } })
    expect(webhook.refuse(deliverable({ custom: {} }), settings, now)?.reason).toBe(
      'template_missing_variable: order_id',
    )
  })

  test('but not for want of what only the delivery knows', () => {
    expect(
      webhook.refuse(deliverable(), settingsOf({ body: '{{integration_id | required}}' }), now),
    ).toBeNull()
  })

  test('when its body would be larger than a receiver can be asked to take', () => {
    const contents = Array.from({ length: 4000 }, (_, n) => ({ id: `sku-${n}`, name: 'x'.repeat(60) }))
    const refusal = webhook.refuse(deliverable({ custom: { contents } }), settingsOf(), now)
    expect(refusal).toMatchObject({ status: 'unmatchable' })
    expect(refusal?.reason).toMatch(/^template_body_too_large: \d+ bytes, at most 262144$/)
  })

  test('when it is older than thirty days', () => {
    const days = 24 * 3600 * 1000
    const ago = (age: number) => webhook.refuse(deliverable({ occurredAt: now - age }), settingsOf(), now)
    expect(ago(30 * days)).toBeNull()
    expect(ago(30 * days + 1)).toMatchObject({ status: 'expired' })
  })

  test('never for want of a match key', () => {
    expect(
      webhook.refuse(deliverable({ visitor: { clickIds: {}, browserIds: {} } }), settingsOf(), now),
    ).toBeNull()
  })

  test('and still yields a request, because build is total', () => {
    const request = build({ body: '{"order": {{order_id | required}}}' }, deliverable({ custom: {} }))
    expect(JSON.parse(request.body)).toEqual({ order: null })
  })
})

test('retries are nine, over a day, and the same for an ambiguous failure', () => {
  const policy = webhook.retry(deliverable(), 'unavailable', settingsOf())
  expect(policy.maxAttempts).toBe(policy.delaysMs.length + 1)
  const hours = policy.delaysMs.reduce((sum, delay) => sum + delay, 0) / 3_600_000
  expect(hours).toBeGreaterThan(24)
  expect(hours).toBeLessThan(30)
  expect(webhook.retry(deliverable(), 'ambiguous', settingsOf())).toEqual(policy)
})

describe('at a receiver that checks', () => {
  const send = async (request: HttpRequest) => {
    const transport = createTransport({
      guard: createAddressGuard({ allow: ['127.0.0.1'] }),
      userAgent: 'Sluice/test',
    })
    try {
      return await transport.send(request, { timeoutMs: 5_000 })
    } finally {
      await transport.close()
    }
  }

  test('a signed event is taken once, however often it is sent', async () => {
    await using receiver = await startWebhook({ secret: signing, now: () => now })
    const more = { auth: { type: 'signature', secret: signing }, body: { name: 'Zoë "{{order_id}}"' } }
    for (const attempt of [1, 2, 3]) {
      const sent = await send(
        build(more, deliverable(), { endpoint: receiver.url, now: now + attempt * 1000, attempt }),
      )
      expect(sent).toMatchObject({ kind: 'answered', response: { status: 204 } })
    }
    expect(receiver.deduplicated).toBe(2)
    expect(receiver.received).toHaveLength(1)
    expect(receiver.received[0]).toMatchObject({
      method: 'POST',
      path: '/hook',
      json: { name: 'Zoë "A-1001"' },
      headers: { 'user-agent': 'Sluice/test' },
    })
  })

  test('a wrong secret, no secret, a stale time and a changed body are refused', async () => {
    await using receiver = await startWebhook({ secret: signing, now: () => now })
    const auth = { type: 'signature', secret: signing }
    const endpoint = receiver.url
    const good = build({ auth }, deliverable(), { endpoint })
    const bad = [
      build({ auth: { ...auth, secret: `whsec_${Buffer.alloc(32).toString('base64')}` } }, deliverable(), {
        endpoint,
      }),
      build({}, deliverable(), { endpoint }),
      build({ auth }, deliverable(), { endpoint, now: now - 301_000 }),
      { ...good, body: `${good.body} ` },
    ]
    for (const request of bad) {
      const sent = await send(request)
      if (sent.kind !== 'answered') throw new Error(sent.reason)
      expect(webhook.read(sent.response, [deliverable()], settingsOf())).toMatchObject([
        { kind: 'unauthorized' },
      ])
    }
    expect(receiver.received).toEqual([])
    expect(await send(good)).toMatchObject({ kind: 'answered', response: { status: 204 } })
    expect(receiver.received).toHaveLength(1)
  })
})
