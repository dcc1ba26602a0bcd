import { rm } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { integrationOf, startAdminScene, type AdminScene } from '../support/admin.ts'
import { captured } from '../support/events.ts'
import { until } from '../support/until.ts'
import { sealingKeys, startSettingsScene, temporaryFolder } from './settings-scene.ts'

vi.setConfig({ testTimeout: 20_000 })

const token = 'the-token-of-the-crm'
const hook = (url: string, over: object = {}) =>
  integrationOf('shop', {
    id: 'crm',
    platform: 'webhook',
    config: { url: `${url}/in`, auth: { type: 'bearer', token } },
    ...over,
  })
const site = (...integrations: ReturnType<typeof hook>[]) => ({ id: 'shop', integrations })
const at = (id: string, over: object = {}) =>
  captured({ id: id as EventId, occurredAt: Date.now(), ...over }, { email: 'ann@example.com' })
const nowhere = 'http://127.0.0.1:9'
const path = '/api/v1/sites/shop/integrations/health'

const healthIn = async (it: Pick<AdminScene, 'ask'>, id = 'crm') => {
  const { json } = await it.ask('GET', path)
  return json.integrations.find((one: { readonly id: string }) => one.id === id)
}

const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

describe('the health of an integration', () => {
  test('that has never sent anything is unproven, and nothing is wrong with it', async () => {
    await using it = await startAdminScene([site(hook(nowhere))])
    const none = { delivered: 0, failed: 0, retried: 0, throttled: 0, rate: null }
    expect(await healthIn(it)).toEqual({
      id: 'crm',
      platform: 'webhook',
      state: 'active',
      pending: 0,
      oldestPendingAt: null,
      oldestPendingSeconds: null,
      lastSuccessAt: null,
      lastError: null,
      success: { lastHour: none, lastDay: none },
      credential: { state: 'never_used' },
      breaker: { state: 'closed', failuresInARow: 0 },
      limits: { eventsPerSecond: 50, batchSize: 1 },
    })
  })

  test('that works says when it last did, and how often', async () => {
    await using platform = await startWebhook()
    await using it = await startAdminScene([site(hook(platform.url))])
    await it.engine.intake.accept([at('e1'), at('e2')])
    const health = await until(
      () => healthIn(it),
      (seen) => seen.success.lastHour.delivered === 2,
    )
    const all = { delivered: 2, failed: 0, retried: 0, throttled: 0, rate: 1 }
    expect(health).toMatchObject({
      state: 'active',
      pending: 0,
      lastSuccessAt: iso,
      lastError: null,
      success: { lastHour: all, lastDay: all },
      credential: { state: 'fine', lastUsedAt: iso },
      breaker: { state: 'closed' },
    })
  })

  test('whose credentials are refused says since when, and in whose words', async () => {
    await using platform = await startWebhook({ authorization: 'Bearer another-token' })
    await using it = await startAdminScene([site(hook(platform.url))])
    await it.engine.intake.accept([at('e1')])
    const health = await until(
      () => healthIn(it),
      ({ state }) => state === 'parked',
    )
    expect(health).toMatchObject({
      pending: 1,
      oldestPendingAt: iso,
      lastSuccessAt: null,
      lastError: { at: iso, outcome: 'unauthorized', httpStatus: 401 },
      success: { lastHour: { delivered: 0, retried: 1, rate: 0 } },
      credential: { state: 'refused', since: iso, lastUsedAt: iso },
      breaker: { state: 'open', cause: 'unauthorized', since: iso, nextAttemptAt: iso },
    })
    expect(health.credential.reason).toBe(health.lastError.reason)
    expect(health.breaker.reason).toContain('401')
    expect(JSON.stringify(health)).not.toContain(token)
  })

  test('that asked to slow down shows the pause and the limit that is left', async () => {
    await using platform = await startWebhook()
    platform.next({ status: 429, headers: { 'retry-after': '600' } })
    await using it = await startAdminScene([site(hook(platform.url))])
    await it.engine.intake.accept([at('e1')])
    const health = await until(
      () => healthIn(it),
      (seen) => seen.success.lastHour.throttled === 1,
    )
    expect(health).toMatchObject({
      state: 'active',
      lastError: null,
      success: { lastHour: { rate: null } },
      credential: { state: 'never_used' },
      limits: { pausedUntil: iso },
    })
    expect(health.limits.eventsPerSecond).toBeLessThan(50)
  })

  test('that takes some and not others shows the share', async () => {
    await using platform = await startWebhook()
    platform.next({ status: 422 })
    await using it = await startAdminScene([site(hook(platform.url))])
    await it.engine.intake.accept([at('e1')])
    await until(
      () => healthIn(it),
      (seen) => seen.success.lastHour.failed + seen.success.lastHour.retried === 1,
    )
    await it.engine.intake.accept([at('e2')])
    const health = await until(
      () => healthIn(it),
      (seen) => seen.success.lastHour.delivered > 0,
    )
    expect(health.success.lastHour.rate).toBeGreaterThan(0)
    expect(health.success.lastHour.rate).toBeLessThan(1)
    expect(health).toMatchObject({ lastSuccessAt: iso, lastError: { httpStatus: 422, at: iso } })
  })

  test('survives a restart: history and a refusal are known before anything is sent again', async () => {
    const folder = await temporaryFolder()
    await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
    await using platform = await startWebhook({ authorization: `Bearer ${token}` })
    const wrong = hook(platform.url, {
      config: { url: `${platform.url}/in`, auth: { type: 'bearer', token: 'a-wrong-token' } },
    })
    const before = await (async () => {
      await using it = await startAdminScene([site(wrong)], { folder })
      await it.engine.intake.accept([at('e1')])
      return await until(
        () => healthIn(it),
        ({ state }) => state === 'parked',
      )
    })()
    {
      await using it = await startAdminScene([site(wrong)], { folder })
      const { lastError, success, credential, pending } = before
      expect(await healthIn(it)).toMatchObject({ lastError, success, credential, pending })
    }
    // Mended, as the rules file or its environment is: what was refused says nothing of the new one.
    await using it = await startAdminScene([site(hook(platform.url))], { folder, lanes: [] })
    expect(await healthIn(it)).toMatchObject({
      lastError: before.lastError,
      credential: { state: 'never_used' },
    })
  })

  test('that is paused, or only tried out, says so', async () => {
    await using it = await startAdminScene([
      site(
        hook(nowhere, { id: 'resting', status: 'paused' }),
        hook(nowhere, { id: 'trial', testMode: true }),
        hook('http://127.0.0.1:10', { id: 'free', rateLimit: { lifted: true } }),
      ),
    ])
    await it.engine.intake.accept([at('e1', { targets: ['trial', 'resting'] })])
    expect(await healthIn(it, 'resting')).toMatchObject({ state: 'paused', pending: 0 })
    expect(await healthIn(it, 'trial')).toMatchObject({
      state: 'test',
      success: { lastDay: { delivered: 0, rate: null } },
    })
    expect((await healthIn(it, 'free')).limits.eventsPerSecond).toBeNull()
  })

  test('that is not configured any more is shown as long as something waits for it', async () => {
    await using it = await startAdminScene([site()], { lanes: [hook(nowhere, { lane: 'batch' })] })
    expect((await it.ask('GET', path)).json.integrations).toEqual([])
    await it.engine.intake.accept([at('e1')])
    expect(await healthIn(it)).toMatchObject({ state: 'gone', pending: 1, oldestPendingAt: iso })
  })

  test('that cannot be used says what is wrong with it', async () => {
    const folder = await temporaryFolder()
    await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
    {
      await using it = await startSettingsScene({ folder })
      const body = { platform: 'webhook', config: { url: `${nowhere}/`, auth: { type: 'bearer', token } } }
      expect((await it.ask('PUT', '/api/v1/sites/shop/integrations/crm', { body })).status).toBe(201)
    }
    await using it = await startSettingsScene({ folder, sealingKeys: sealingKeys.slice(1) })
    expect(await healthIn(it)).toMatchObject({
      state: 'unusable',
      reason: expect.stringContaining('SLUICE_SECRET_KEY'),
    })
  })
})

test('while the store cannot be read the answer is 503 with a time', async () => {
  await using it = await startAdminScene([site(hook(nowhere))])
  await it.engine.store.close()
  const answer = await it.ask('GET', path)
  expect([answer.status, answer.json.code]).toEqual([503, 'store_unavailable'])
  expect(answer.headers['retry-after']).toBeDefined()
})
