import { expect, test, vi } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { productView, purchase, startScene, thanksPage, type RuleFile } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** The gateway stops from the visitor inwards: who got a page has their event on the disk. */

const cookie = '_sw_consent=all'
const page = thanksPage('A-1', { email: 'ann@example.com', phone: '' })
const integrations = { meta: null, ga4: null }

test('a page under way when the gateway stops is finished, and its order is committed', async () => {
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  await using it = await startScene({
    origin: (_incoming, response) => {
      asked.resolve()
      void answer.promise.then(() => response.writeHead(200, { 'content-type': 'text/html' }).end(page))
    },
    rules: [purchase],
    integrations,
  })
  const visit = it.ask('/order-received/A-1', { headers: { cookie } })
  await asked.promise
  const stopped = it.stop()
  answer.resolve()
  expect((await visit).body.toString()).toBe(page)
  await stopped
  await using store = await reopen(it.database)
  expect((await store.events({ site: 'shop', limit: 9 })).events).toMatchObject([{ orderId: 'A-1' }])
})

/** A large document is read on another thread: the event comes well behind the page, and nobody waits for it. */
const slowly: RuleFile = {
  ...productView,
  actions: [
    {
      type: 'fire_conversion_event',
      eventType: 'view_content',
      extract: { contentName: { selector: 'h1' } },
    },
  ],
}

test('views whose pages have just passed when the gateway stops are committed, with all that was on the page', async () => {
  const large = `<h1>Harbour Lamp</h1>${'<p><b>words</b> <i>and</i> <a href="/">more</a></p>'.repeat(8_000)}`
  await using it = await startScene({
    origin: (_incoming, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(large),
    rules: [slowly],
    integrations,
  })
  const views = 8
  await Promise.all(Array.from({ length: views }, () => it.ask('/products/lamp', { headers: { cookie } })))
  await it.stop()
  await using store = await reopen(it.database)
  const { events } = await store.events({ site: 'shop', limit: 500 })
  const names = events.map(
    ({ facts }) => (JSON.parse(facts) as { custom: { contentName?: string } }).custom.contentName,
  )
  expect(names).toEqual(Array.from({ length: views }, () => 'Harbour Lamp'))
  expect(it.log().filter(({ level }) => level === 'error')).toEqual([])
})

test('an order whose page went first, because holdMs was over, is committed when the gateway stops', async () => {
  await using it = await startScene({
    rules: [purchase],
    site: { holdMs: 0 },
    integrations,
    origin: (_incoming, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page),
  })
  await it.ask('/order-received/A-1', { headers: { cookie } })
  await it.stop()
  await using store = await reopen(it.database)
  expect((await store.events({ site: 'shop', limit: 9 })).events).toMatchObject([{ orderId: 'A-1' }])
  expect(it.log().filter(({ level }) => level === 'error')).toEqual([])
})

const reopen = async (path: string) => {
  const store = await openSqliteStore({ path })
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
}
