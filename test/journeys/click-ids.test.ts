import { describe, expect, test, vi } from 'vitest'
import type { RequestListener } from 'node:http'
import { until } from '../support/until.ts'
import { startScene, thanksPage, type Scene, type SceneOptions } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Somebody clicks an ad, looks around, and buys days later: the click is still known. */

const shop: RequestListener = (incoming, response) => {
  const path = incoming.url ?? ''
  const html = { 'content-type': 'text/html; charset=utf-8' }
  if (path.startsWith('/cached')) response.writeHead(200, { ...html, 'cache-control': 'public, max-age=600' })
  else if (path.startsWith('/theirs'))
    response.writeHead(200, { ...html, 'set-cookie': ['session=1', '_gcl_aw=GCL.1763000000.THEIRS; Path=/'] })
  else if (path.startsWith('/go'))
    response.writeHead(302, { location: '/welcome', 'cache-control': 'no-cache' })
  else response.writeHead(200, { ...html, 'cache-control': 'private, no-cache' })
  response.end(thanksPage(path.split(/[/?]/)[2] ?? '', { email: 'ann@example.com', phone: '' }))
}

const scene = (options: SceneOptions = {}): Promise<Scene> =>
  startScene({ origin: shop, site: { identity: { setCookies: true } }, ...options })

const cookiesOf = (headers: Readonly<Record<string, string | string[] | undefined>>): readonly string[] =>
  [headers['set-cookie'] ?? []].flat()
const namesOf = (headers: Parameters<typeof cookiesOf>[0]): readonly string[] =>
  cookiesOf(headers).map((field) => field.split('=', 1)[0] ?? '')

const granted = { cookie: '_sw_consent=all' }

describe('a click on an ad', () => {
  test('is in cookies of the site behind the landing, and in the order behind it', async () => {
    await using it = await scene()
    const landing = await it.ask('/?fbclid=IwAR0click&gclid=CjwClick', { headers: granted })
    const cookies = cookiesOf(landing.headers)
    expect(namesOf(landing.headers)).toEqual(['_fbc', '_gcl_aw', '_sw_click'])
    for (const field of cookies)
      expect(field).toMatch(/; Path=\/; Domain=example\.com; Max-Age=7776000; SameSite=Lax(; HttpOnly)?$/)
    const fbc = /^_fbc=([^;]+)/.exec(cookies[0] ?? '')?.[1]
    expect(fbc).toMatch(/^fb\.1\.\d{13}\.IwAR0click$/)

    const jar = [granted.cookie, ...cookies.map((field) => field.split(';', 1)[0])].join('; ')
    await it.ask('/order-received/A-1', { headers: { cookie: jar } })
    // Days later the browser has dropped what scripts can write; our own cookie is left.
    const own = jar.split('; ').find((pair) => pair.startsWith('_sw_click='))
    const back = await it.ask('/order-received/A-2', { headers: { cookie: `${granted.cookie}; ${own}` } })
    expect(namesOf(back.headers)).toEqual(['_fbc', '_gcl_aw'])
    expect(cookiesOf(back.headers)[0]).toContain(`_fbc=${fbc};`)

    await it.settled(2)
    const sent = it.meta.received.map(({ user_data }) => user_data['fbc'])
    expect(sent).toEqual([fbc, fbc])
  })

  test('is known to the order on the landing page itself as the cookie will have it', async () => {
    await using it = await scene()
    const answer = await it.ask('/order-received/A-1?fbclid=IwAR0click', { headers: granted })
    const fbc = /^_fbc=([^;]+)/.exec(cookiesOf(answer.headers)[0] ?? '')?.[1]
    await it.settled(1)
    expect(it.meta.received.map(({ user_data }) => user_data['fbc'])).toEqual([fbc])
  })

  test('is kept where the landing sends on to an address without it', async () => {
    await using it = await scene()
    const answer = await it.ask('/go?gclid=A', { headers: granted })
    expect(answer.status).toBe(302)
    expect(namesOf(answer.headers)).toEqual(['_gcl_aw', '_sw_click'])
  })
})

describe('no cookie is set', () => {
  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['without consent', '/?gclid=A', {}],
    ['against consent', '/?gclid=A', { cookie: '_sw_consent=none' }],
    ['on a page that a shared cache may keep', '/cached?gclid=A', granted],
    ['for a script', '/?gclid=A', { ...granted, 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }],
    ['for a bot', '/?gclid=A', { ...granted, 'user-agent': 'Googlebot/2.1' }],
    ['for a prefetch', '/?gclid=A', { ...granted, 'sec-purpose': 'prefetch' }],
  ])('%s', async (_name, path, headers) => {
    await using it = await scene()
    expect(cookiesOf((await it.ask(path, { headers })).headers)).toEqual([])
  })

  test('where the site did not ask for them', async () => {
    await using it = await startScene({ origin: shop })
    expect(cookiesOf((await it.ask('/?gclid=A', { headers: granted })).headers)).toEqual([])
  })
})

test('a cookie that the origin sets wins, and all stay fields of their own', async () => {
  await using it = await scene()
  const answer = await it.ask('/theirs?gclid=OURS&epik=E', { headers: granted })
  expect(cookiesOf(answer.headers).slice(0, 2)).toEqual([
    'session=1',
    '_gcl_aw=GCL.1763000000.THEIRS; Path=/',
  ])
  expect(namesOf(answer.headers).slice(2)).toEqual(['_epik', '_sw_click'])
  expect(answer.headers['cache-control']).toBe('private')
})

test('behind a proxy that ends TLS cookies are secure', async () => {
  await using it = await scene()
  const answer = await it.ask('/?gclid=A', { headers: { ...granted, 'x-forwarded-proto': 'https' } })
  for (const field of cookiesOf(answer.headers)) expect(field).toContain('; Secure')
  expect(cookiesOf(answer.headers)).toHaveLength(2)
})

test('the page’s bytes are the origin’s, and what was set is counted', async () => {
  await using it = await scene()
  const bare = await it.ask('/?gclid=A')
  const landing = await it.ask('/?gclid=A', { headers: granted })
  expect(landing.body).toEqual(bare.body)
  await it.ask('/cached?gclid=A', { headers: granted })
  await until(
    () => it.gateway.counts().cookies,
    (counts) => counts['shop/set'] === 1 && counts['shop/cacheable'] === 1,
  )
})
