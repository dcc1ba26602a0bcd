import { rm } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { until } from '../support/until.ts'
import { productView, rulesText, startScene, type RuleFile, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 60_000 })

/** The rules change while visitors come and go: none of them notices, and a bad edit changes nothing. */

const cookie = '_sw_consent=all'
const landing: RuleFile = {
  id: 'landed',
  match: { path: '/landing' },
  actions: [{ type: 'fire_conversion_event', eventType: 'lead' }],
}
const integrations = { meta: null, ga4: null }

/** Visitors who come one after the other until they are told to stop; answers the statuses they saw. */
const startTraffic = (it: Scene): { readonly stop: () => Promise<ReadonlyMap<number, number>> } => {
  const statuses = new Map<number, number>()
  const ending = new AbortController()
  const visitors = Array.from({ length: 3 }, async () => {
    while (!ending.signal.aborted) {
      const status = await it.ask('/').then(
        (answer) => answer.status,
        () => 0,
      )
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  return {
    stop: async () => {
      ending.abort()
      await Promise.all(visitors)
      return statuses
    },
  }
}

test('a new rule fires for the next request, a bad edit is refused in words, and no request fails meanwhile', async () => {
  await using it = await startScene({
    origin: (_incoming, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>x</title>'),
    rules: [productView],
    integrations,
  })
  const good = (rules: readonly RuleFile[]): string => rulesText(it.originUrl, it, { rules, integrations })
  const said = (words: string) => it.log().filter(({ msg }) => msg.includes(words))
  const land = () => it.ask('/landing', { headers: { cookie } })
  const traffic = startTraffic(it)

  await land()
  await it.writeRules(good([productView, landing]))
  await until(
    () => said('new rules are in force').length,
    (times) => times === 1,
  )
  expect(it.gateway.summary).toEqual({ sites: 1, rules: 2, integrations: 1 })
  expect(await it.events()).toEqual([])
  await land()
  expect(await it.settled(1)).toMatchObject([{ ruleId: 'landed', type: 'lead' }])

  const edits: readonly (readonly [text: string, words: RegExp])[] = [
    ['{ "sites": [', /missing/],
    [good([landing]).replace('"match"', '"mach"'), /match/],
    [good([landing]).replace('HOOK_SECRET', 'NO_SUCH_SECRET'), /NO_SUCH_SECRET is not set/],
    ['', /empty/],
  ]
  for (const [index, [text, words]] of edits.entries()) {
    await it.writeRules(text)
    const refusals = await until(
      () => said('the new rules are refused'),
      (seen) => seen.length === index + 1,
    )
    expect(refusals.at(-1)).toMatchObject({ level: 'error', problems: expect.any(Array) })
    expect(JSON.stringify(refusals.at(-1))).toMatch(words)
    expect(it.gateway.summary).toEqual({ sites: 1, rules: 2, integrations: 1 })
    await land()
  }
  await rm(it.rulesPath)
  await until(
    () => said('the new rules are refused').length,
    (times) => times === edits.length + 1,
  )
  await land()
  await it.settled(2 + edits.length)

  // A good edit after all the bad ones holds again: the rule is gone.
  await it.writeRules(good([productView]))
  await until(
    () => said('new rules are in force').length,
    (times) => times === 2,
  )
  await land()
  const statuses = await traffic.stop()
  expect([...statuses.keys()]).toEqual([200])
  expect(await it.settled(1)).toHaveLength(2 + edits.length)
})

test('a request keeps the rules it began with', async () => {
  const answer = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  await using it = await startScene({
    origin: (_incoming, response) => {
      asked.resolve()
      void answer.promise.then(() =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<p>thanks'),
      )
    },
    rules: [landing],
    integrations,
  })
  const visit = it.ask('/landing', { headers: { cookie } })
  await asked.promise
  await it.writeRules(rulesText(it.originUrl, it, { rules: [productView], integrations }))
  await until(it.log, (lines) => lines.some(({ msg }) => msg === 'new rules are in force'))
  answer.resolve()
  expect((await visit).status).toBe(200)
  expect(await it.settled(1)).toMatchObject([{ ruleId: 'landed' }])
})

test('events that wait for an integration which an edit takes away are delivered when it is back', async () => {
  await using it = await startScene({
    origin: (_incoming, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>thanks'),
    rules: [landing],
    integrations,
  })
  const inForce = (times: number) =>
    until(
      () => it.log().filter(({ msg }) => msg === 'new rules are in force').length,
      (seen) => seen === times,
    )
  const text = (over: object | null): string =>
    rulesText(it.originUrl, it, { rules: [landing], integrations: { meta: null, ga4: null, hook: over } })
  it.hook.next({ status: 503 })
  await it.ask('/landing', { headers: { cookie } })
  await until(it.events, ([event]) => event?.deliveries[0]?.status === 'retrying')
  await it.writeRules(text({ status: 'paused' }))
  await inForce(1)
  await it.writeRules(text({}))
  await inForce(2)
  expect((await it.settled(1))[0]?.deliveries).toMatchObject([{ status: 'sent' }])
  expect(it.hook.received).toHaveLength(1)
})
