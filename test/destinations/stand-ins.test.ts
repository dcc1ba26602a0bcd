import { describe, expect, test } from 'vitest'
import { findDestination } from '../../src/destinations/index.ts'
import type { HttpResponse } from '../../src/destinations/destination.ts'
import { startGa4 } from '../platforms/ga4.ts'
import { startMeta, type MetaEvent } from '../platforms/meta.ts'
import { startPlatform } from '../platforms/platform.ts'
import { goldenCasesOf, prepare } from './golden.ts'

/** The stand-ins and the destinations were written apart, from the same papers. Here they meet. */

const post = async (
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpResponse> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

const sendable = (name: string) =>
  goldenCasesOf(name)
    .filter(({ golden }) => golden.request !== undefined)
    .map(({ name: file, golden }) => [file, golden] as const)

describe('what we build is taken by the strict stand-in', () => {
  test.each(sendable('meta'))('meta %s', async (_file, golden) => {
    const meta = findDestination('meta')!
    const { now, settings, deliverables, context } = prepare(meta, golden)
    await using platform = await startMeta({
      now: () => now,
      accessToken: 'EAABtokenForTests',
      pixelId: '1234567890123456',
    })
    const { url, body, headers } = meta.build(deliverables, settings, { ...context, endpoint: platform.url })
    const response = await post(url, body, headers)
    expect(response.body).toContain('events_received')
    expect(meta.read(response, deliverables, settings)).toEqual(
      deliverables.map(() => ({ kind: 'delivered', reason: 'received', trace: 'AbCdEfGhIjK' })),
    )
    expect(platform.received.map(({ event_id }) => event_id)).toEqual(
      deliverables.map(({ event }) => event.id),
    )
    expect(platform.tested).toHaveLength('testEventCode' in golden.settings ? deliverables.length : 0)
    expect(platform.requests[0]?.query.size).toBe(0)
  })

  test.each(sendable('ga4'))('ga4 %s', async (_file, golden) => {
    const ga4 = findDestination('ga4')!
    const { now, settings, deliverables, context } = prepare(ga4, golden)
    await using platform = await startGa4({
      now: () => now,
      measurementId: 'G-ABC1234567',
      apiSecret: 's3cr3t-Value_1',
    })
    const { url, body } = ga4.build(deliverables, settings, { ...context, endpoint: platform.url })
    const response = await post(url, body)
    expect(platform.ignored).toEqual([])
    expect(ga4.read(response, deliverables, settings).map(({ kind }) => kind)).toEqual(
      deliverables.map(() => 'delivered'),
    )
    expect(platform.received.map(({ params }) => params['event_id'])).toEqual(
      deliverables.map(({ event }) => event.id),
    )
    const validated = await post(url.replace('/mp/collect', '/debug/mp/collect'), body)
    expect(validated.body).toBe('{"validationMessages":[]}')
  })
})

const nowSeconds = 1_795_132_800
const goodEvent: MetaEvent = {
  event_name: 'Purchase',
  event_time: nowSeconds - 10,
  event_id: 'order-1',
  action_source: 'website',
  event_source_url: 'https://shop.example/thanks',
  user_data: { em: ['ab'.repeat(32)], client_user_agent: 'Mozilla/5.0' },
  custom_data: { value: 1, currency: 'EUR' },
}
const token = { authorization: 'Bearer good' }
const metaOptions = { now: () => nowSeconds * 1000, accessToken: 'good', pixelId: '123456' }
const codeOf = ({ body }: HttpResponse): string => {
  const { error } = JSON.parse(body) as {
    readonly error?: { readonly code: number; readonly error_subcode?: number }
  }
  return [error?.code, error?.error_subcode].filter((part) => part !== undefined).join('/')
}

describe("Meta's stand-in is strict", () => {
  const without = (key: string, from: object): object =>
    Object.fromEntries(Object.entries(from).filter(([name]) => name !== key))
  const userData = goodEvent.user_data

  test.each<readonly [string, object, string]>([
    ['an unknown field', { ...goodEvent, evnt_id: 'x' }, '100'],
    ['an unhashed e-mail', { ...goodEvent, user_data: { ...userData, em: ['jane@example.com'] } }, '100'],
    ['an empty list', { ...goodEvent, user_data: { ...userData, ph: [] } }, '100'],
    ['a private address', { ...goodEvent, user_data: { ...userData, client_ip_address: '10.0.0.1' } }, '100'],
    [
      'an address with a port',
      { ...goodEvent, user_data: { ...userData, client_ip_address: '203.0.113.7:80' } },
      '100',
    ],
    ['a malformed fbc', { ...goodEvent, user_data: { ...userData, fbc: 'IwAR0' } }, '100'],
    ['an old event', { ...goodEvent, event_time: nowSeconds - 8 * 86_400 }, '100/2804003'],
    ['milliseconds', { ...goodEvent, event_time: nowSeconds * 1000 }, '100'],
    ['no user agent', { ...goodEvent, user_data: without('client_user_agent', userData) }, '100'],
    ['no page', without('event_source_url', goodEvent), '100'],
    ['a purchase without value', { ...goodEvent, custom_data: { currency: 'EUR' } }, '100/2804009'],
    ['nobody', { ...goodEvent, user_data: { client_user_agent: 'x', ct: ['ab'.repeat(32)] } }, '100/2804050'],
    ['a value that is a text', { ...goodEvent, custom_data: { value: '1', currency: 'EUR' } }, '100'],
    ['a null', { ...goodEvent, custom_data: { value: 1, currency: 'EUR', order_id: null } }, '100'],
    ['limits without a state', { ...goodEvent, data_processing_options: ['LDU'] }, '100'],
  ])('about %s, and takes nothing of its batch', async (_what, bad, code) => {
    await using meta = await startMeta(metaOptions)
    const response = await post(`${meta.url}/v26.0/123456/events`, { data: [goodEvent, bad] }, token)
    expect(codeOf(response)).toBe(code)
    expect(meta.received).toEqual([])
  })

  test.each([
    ['a wrong token', '/v26.0/123456/events', { authorization: 'Bearer bad' }, '190'],
    ['no token', '/v26.0/123456/events', {}, '104'],
    ['a wrong pixel', '/v26.0/999999/events', token, '100/33'],
    ['an expired version', '/v20.0/123456/events', token, '2635'],
    ['a wrong path', '/123456/events', token, '2500'],
    ['another content type', '/v26.0/123456/events', { ...token, 'content-type': 'text/plain' }, '100'],
  ])('about %s', async (_what, path, headers, code) => {
    await using meta = await startMeta(metaOptions)
    expect(codeOf(await post(`${meta.url}${path}`, { data: [goodEvent] }, headers))).toBe(code)
  })

  test('about more than 1000 events', async () => {
    await using meta = await startMeta(metaOptions)
    const data = Array.from({ length: 1001 }, (_, index) => ({ ...goodEvent, event_id: `${index}` }))
    const url = `${meta.url}/v26.0/123456/events`
    expect(codeOf(await post(url, { data }, token))).toBe('100')
    expect((await post(url, { data: data.slice(1) }, token)).status).toBe(200)
    expect(meta.received).toHaveLength(1000)
  })

  test('about nothing else: repeats are taken, and counted once', async () => {
    await using meta = await startMeta(metaOptions)
    const url = `${meta.url}/v26.0/123456/events`
    const renamed = { ...goodEvent, event_name: 'Lead' }
    for (const data of [[goodEvent], [goodEvent, renamed]])
      expect((await post(url, { data }, token)).status).toBe(200)
    expect(meta.received.map(({ event_name }) => event_name)).toEqual(['Purchase', 'Lead'])
    expect(meta.deduplicated).toBe(1)
  })
})

describe("Meta's stand-in, asked about a token or a pixel", () => {
  const ask = async (meta: { readonly url: string }, path: string) => {
    const answer = await fetch(`${meta.url}/v26.0/${path}`, { headers: token })
    return JSON.parse(await answer.text()) as {
      readonly data?: { readonly is_valid: boolean }
      readonly id?: string
      readonly error?: { readonly code: number }
    }
  }

  test.each([
    ['itself', 'good', true],
    ['a stranger', 'bad', false],
  ])('says whether it is valid: %s', async (_what, input, valid) => {
    await using meta = await startMeta(metaOptions)
    expect((await ask(meta, `debug_token?input_token=${input}`)).data?.is_valid).toBe(valid)
  })

  test.each([
    ['no token to look at', 'debug_token'],
    ['an unknown field', '123456?fields=id,secret'],
    ['a stranger’s pixel', '999999?fields=id'],
  ])('refuses %s', async (_what, path) => {
    await using meta = await startMeta(metaOptions)
    expect((await ask(meta, path)).error?.code).toBe(100)
    expect((await ask(meta, '123456?fields=id,name')).id).toBe('123456')
  })
})

describe("GA4's stand-in answers 2xx and forgets", () => {
  const collect = 'mp/collect?measurement_id=G-ABC1234567&api_secret=good'
  const good = {
    client_id: '1234567890.1795180000',
    timestamp_micros: (nowSeconds - 10) * 1_000_000,
    events: [{ name: 'purchase', params: { transaction_id: 'T1', value: 1, currency: 'EUR' } }],
  }
  const named = (name: string, params: object = {}) => ({ ...good, events: [{ name, params }] })
  const options = { now: () => nowSeconds * 1000, measurementId: 'G-ABC1234567', apiSecret: 'good' }

  test.each<readonly [string, object]>([
    ['a reserved name', named('session_start')],
    ['a reserved parameter', named('x', { ga_x: 1 })],
    ['a value without a currency', named('x', { value: 1 })],
    ['a null', named('x', { y: null })],
    ['a long text', named('x', { y: 'z'.repeat(101) })],
    [
      'too many parameters',
      named('x', Object.fromEntries(Array.from({ length: 26 }, (_, n) => [`p${n}`, n]))),
    ],
    ['an item without an id', named('x', { items: [{ price: 1 }] })],
    ['13 digits of time', { ...good, timestamp_micros: nowSeconds * 1000 }],
    ['an old event', { ...good, timestamp_micros: (nowSeconds - 4 * 86_400) * 1_000_000 }],
    ['a client id that is none', { ...good, client_id: 'GA1.1.1.2' }],
    ['an unhashed e-mail', { ...good, user_data: { sha256_email_address: ['jane@example.com'] } }],
    ['an unknown consent', { ...good, consent: { analytics_storage: 'GRANTED' } }],
    ['26 events', { ...good, events: Array.from({ length: 26 }, () => ({ name: 'x' })) }],
  ])('%s', async (_what, body) => {
    await using ga4 = await startGa4(options)
    expect((await post(`${ga4.url}/${collect}`, body)).status).toBe(204)
    expect(ga4.received).toEqual([])
    expect(ga4.ignored).toHaveLength(1)
  })

  test.each([
    ['a wrong secret', 'measurement_id=G-ABC1234567&api_secret=bad'],
    ['no secret', 'measurement_id=G-ABC1234567'],
    ['an unknown stream', 'measurement_id=G-XYZ1234567&api_secret=good'],
  ])('%s', async (_what, query) => {
    await using ga4 = await startGa4(options)
    expect((await post(`${ga4.url}/mp/collect?${query}`, good)).status).toBe(204)
    expect(ga4.received).toEqual([])
    expect(ga4.ignored).toHaveLength(1)
  })

  test('a purchase counts once, everything else each time', async () => {
    await using ga4 = await startGa4(options)
    for (const body of [good, good, named('lead'), named('lead')]) await post(`${ga4.url}/${collect}`, body)
    expect(ga4.received.map(({ name }) => name)).toEqual(['purchase', 'lead', 'lead'])
    expect(ga4.deduplicated).toBe(1)
  })

  test('only what cannot be read at all is refused', async () => {
    await using ga4 = await startGa4(options)
    expect((await post(`${ga4.url}/${collect}`, '{"client_id"')).status).toBe(400)
    expect((await post(`${ga4.url}/${collect}`, JSON.stringify('x'.repeat(131_000)))).status).toBe(413)
    expect((await post(`${ga4.url}/mp/collect/debug`, good)).status).toBe(404)
  })

  test('the validation server says what is wrong, and records nothing', async () => {
    await using ga4 = await startGa4(options)
    const { body } = await post(`${ga4.url}/debug/${collect}`, named('session_start'))
    expect(JSON.parse(body)).toMatchObject({ validationMessages: [{ validationCode: 'NAME_RESERVED' }] })
    expect(ga4.received).toEqual([])
  })
})

describe('a stand-in misbehaves on request', () => {
  const start = () => startPlatform(() => ({ status: 200, body: { taken: true } }))

  test('with a status, headers and a body, once', async () => {
    await using platform = await start()
    platform.next({ status: 429, headers: { 'retry-after': '7' }, body: 'slow down' })
    expect(await post(platform.url, {})).toMatchObject({
      status: 429,
      body: 'slow down',
      headers: { 'retry-after': '7' },
    })
    expect((await post(platform.url, {})).status).toBe(200)
    expect(platform.requests.map(({ status }) => status)).toEqual([429, 200])
  })

  test('late, with its own answer', async () => {
    await using platform = await start()
    platform.next({ delayMs: 20 })
    expect((await post(platform.url, {})).body).toBe('{"taken":true}')
  })

  test('by cutting the connection after the body, having taken it or not', async () => {
    let taken = 0
    await using platform = await startPlatform(() => {
      taken += 1
      return { status: 200 }
    })
    platform.next({ resetAfterBody: true }, { resetAfterBody: true, taken: true })
    await expect(post(platform.url, { a: 1 })).rejects.toThrow(TypeError)
    expect(taken).toBe(0)
    await expect(post(platform.url, { a: 1 })).rejects.toThrow(TypeError)
    expect(taken).toBe(1)
    expect(platform.requests.map(({ json }) => json)).toEqual([{ a: 1 }, { a: 1 }])
  })

  test('by never answering', async () => {
    await using platform = await start()
    platform.next({ hang: true })
    const gaveUp = new AbortController()
    const answer = fetch(platform.url, { method: 'POST', body: '{}', signal: gaveUp.signal })
    await expect.poll(() => platform.requests.length).toBe(1)
    gaveUp.abort()
    await expect(answer).rejects.toThrow('aborted')
    expect(platform.requests[0]?.status).toBeNull()
  })

  test('by being down, and it comes back at the same address', async () => {
    await using platform = await start()
    const { url } = platform
    await post(url, {})
    await platform.down()
    await expect(post(url, {})).rejects.toThrow(TypeError)
    await platform.up()
    expect(platform.url).toBe(url)
    expect((await post(url, {})).status).toBe(200)
    expect(platform.requests).toHaveLength(2)
  })
})
