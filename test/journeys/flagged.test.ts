import { expect, test, vi } from 'vitest'
import { startScene, statusesOf, thanksPage, visitorAddress } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

const person = { email: 'ann.shopper@example.com', phone: '+1 415 555 0134' }
const cookies = (consent: string) => ({
  cookie: `_fbp=fb.1.1763632800000.1234567890; _ga=GA1.1.1234567890.1763632800; ${consent}`,
})

const scene = () =>
  startScene({
    origin: (incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(thanksPage(incoming.url?.split(/[/?]/)[2] ?? '', person))
    },
    integrations: {
      meta: { consent: { whenDenied: 'flag' } },
      ga4: { consent: { category: 'marketing', whenDenied: 'flag' } },
    },
  })

test('a refusal of advertising is sent flagged where the platforms have a form for it, and names nobody', async () => {
  await using it = await scene()
  await it.ask('/order-received/A-1?fbclid=IwAR0click', { headers: cookies('_sw_consent=analytics') })
  const [event] = await it.settled(1)
  expect(statusesOf(event)).toEqual({ meta: 'sent', ga4: 'sent', hook: 'consent_denied' })

  // The stand-ins are as strict as the platforms: what they took is of the form.
  const [order] = it.meta.received
  expect(order).toMatchObject({
    event_name: 'Purchase',
    custom_data: { order_id: 'A-1', value: 129.9, currency: 'EUR' },
    data_processing_options: ['LDU'],
    data_processing_options_country: 0,
    data_processing_options_state: 0,
  })
  expect(Object.keys(order?.user_data ?? {}).sort()).toEqual(['client_ip_address', 'client_user_agent'])
  expect(order?.event_source_url).not.toContain('fbclid')
  const [hit] = it.ga4.requests
  expect(hit?.json).toMatchObject({
    client_id: '1234567890.1763632800',
    consent: { ad_user_data: 'DENIED', ad_personalization: 'DENIED' },
  })
  expect(hit?.json).not.toHaveProperty('user_data')
  expect(it.ga4.ignored).toEqual([])

  await it.stop()
  const bytes = await it.bytesOnDisk()
  for (const mark of [person.email, '14155550134', visitorAddress, 'IwAR0click', '1234567890.1763632800'])
    expect(bytes.includes(mark)).toBe(false)
})

test('a refusal of everything and no signal at all reach nobody, flagged or not', async () => {
  await using it = await scene()
  await it.ask('/order-received/A-1', { headers: cookies('_sw_consent=personalization') })
  await it.ask('/order-received/A-2', { headers: cookies('other=1') })
  const [unasked, refused] = await it.settled(2)
  expect(statusesOf(unasked)).toEqual({
    meta: 'consent_denied',
    ga4: 'consent_denied',
    hook: 'consent_denied',
  })
  // Meta's form asks for no grant of its own; GA4 has none without analytics.
  expect(statusesOf(refused)).toEqual({ meta: 'sent', ga4: 'consent_denied', hook: 'consent_denied' })
  expect(refused?.deliveries.find(({ integration }) => integration === 'shop/ga4')?.reason).toBe(
    'marketing was refused (_sw_consent); Google Analytics 4 takes nothing flagged without a grant of analytics',
  )
  expect(it.ga4.requests).toEqual([])
})
