import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import type { NewEvent } from '../../src/store/store.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { listenTo, type RawConnection } from '../origins/raw-origin.ts'
import { until } from '../support/until.ts'
import { frontRules, startFront, type Front } from './front.ts'
import { browser } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Who has the complete page has their event on the disk: the last byte of an order's page waits for the commit. */

const page = `<title>Thank you</title>${'<p>words</p>'.repeat(300)}<p>the end`

const startOrigin = (sized: boolean) =>
  startHttpOrigin((_incoming, response) => {
    response.writeHead(200, {
      'content-type': 'text/html',
      ...(sized ? { 'content-length': Buffer.byteLength(page) } : {}),
    })
    response.write(page.slice(0, 500))
    response.end(page.slice(500))
  })

/** A store whose every commit the test lets happen. */
const patientStore = () => {
  const asked: { readonly events: readonly NewEvent[]; readonly commit: () => void }[] = []
  return {
    asked,
    append: (events: readonly NewEvent[]) => {
      const { promise, resolve } = Promise.withResolvers<readonly 'stored'[]>()
      asked.push({ events, commit: () => resolve(events.map(() => 'stored')) })
      return promise
    },
  }
}

const visit = async (front: Front, path: string): Promise<RawConnection> => {
  const socket = connect(front.port, '127.0.0.1')
  const fields = Object.entries(browser).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`)
  return listenTo(socket)
}

/** Turns of the event loop in which whatever was on its way would have arrived. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

test.each([
  { name: 'the last byte of a page with a length', sized: true, held: 'd', end: 'the end' },
  { name: 'the end of a chunked page', sized: false, held: '0\r\n\r\n', end: '0\r\n\r\n' },
])('$name leaves when the order is committed, and not before', async ({ sized, held, end }) => {
  const store = patientStore()
  await using origin = await startOrigin(sized)
  await using front = await startFront({ store, rules: frontRules(origin.url, { holdMs: 10_000 }) })
  const visitor = await visit(front, '/thanks/A-1')
  await until(
    () => store.asked.length,
    (asked) => asked === 1,
  )
  const before = await visitor.until(sized ? 'the en' : 'the end')
  await turns()
  expect(visitor.received()).toBe(before)
  expect(before.endsWith(held)).toBe(false)
  expect(store.asked[0]?.events).toMatchObject([{ site: 'shop', type: 'purchase', orderId: 'A-1' }])
  expect(front.proxy.stats).toMatchObject({ held: 1, active: 1 })

  store.asked[0]?.commit()
  const whole = await visitor.until(end)
  expect(whole).toBe(before + whole.slice(before.length))
  expect(whole.slice(before.length)).toBe(held)
  await until(
    () => front.proxy.stats.active,
    (active) => active === 0,
  )
  expect(front.proxy.stats).toMatchObject({ held: 1, holdExpired: 0 })
  visitor.socket.destroy()
})

test('a visitor waits for the disk no longer than holdMs; the event is still committed, and a counter says so', async () => {
  const store = patientStore()
  await using origin = await startOrigin(true)
  await using front = await startFront({ store, rules: frontRules(origin.url, { holdMs: 20 }) })
  const visitor = await visit(front, '/thanks/A-1')
  expect(await visitor.until('the end')).toContain('200 OK')
  expect(front.proxy.stats).toMatchObject({ held: 1, holdExpired: 1 })
  await until(
    () => store.asked.length,
    (asked) => asked === 1,
  )
  expect(front.handover.waiting).toBe(1)
  store.asked[0]?.commit()
  await until(
    () => front.handover.waiting,
    (waiting) => waiting === 0,
  )
  expect(front.handover.lost).toBe(0)
  visitor.socket.destroy()
})

test('nobody waits for an event that travels in batches, nor for a page that matches nothing', async () => {
  const store = patientStore()
  await using origin = await startOrigin(true)
  await using front = await startFront({ store, rules: frontRules(origin.url, { holdMs: 10_000 }) })
  for (const path of ['/products/lamp', '/about']) {
    const visitor = await visit(front, path)
    await visitor.until('the end')
    visitor.socket.destroy()
  }
  await until(
    () => store.asked.length,
    (asked) => asked === 1,
  )
  expect(store.asked[0]?.events).toMatchObject([{ type: 'view_content' }])
  expect(front.proxy.stats).toMatchObject({ held: 0, holdExpired: 0 })
  store.asked[0]?.commit()
})

test('one visitor whose event waits holds up no other', async () => {
  const store = patientStore()
  await using origin = await startOrigin(true)
  await using front = await startFront({ store, rules: frontRules(origin.url, { holdMs: 10_000 }) })
  const waiting = await visit(front, '/thanks/A-1')
  await until(
    () => store.asked.length,
    (asked) => asked === 1,
  )
  const other = await visit(front, '/thanks/A-2')
  await until(
    () => store.asked.length,
    (asked) => asked === 2,
  )
  store.asked[1]?.commit()
  await other.until('the end')
  expect(waiting.received()).not.toContain('the end')
  store.asked[0]?.commit()
  await waiting.until('the end')
  for (const { socket } of [waiting, other]) socket.destroy()
})
