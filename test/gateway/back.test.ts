import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { EventId } from '../../src/event/brand.ts'
import { startEngine } from '../../src/gateway/engine.ts'
import { plainSettings } from '../destinations/events.ts'
import { collectedLog, env, folderOfItsOwn } from '../journeys/hosts.ts'
import { startGoogleAds } from '../platforms/google-ads.ts'
import { captured } from '../support/events.ts'
import { until } from '../support/until.ts'

vi.setConfig({ testTimeout: 60_000 })

test('what a platform accepts and judges later is noted to be asked about', async () => {
  await using folder = await folderOfItsOwn()
  await using platform = await startGoogleAds()
  const rules = join(folder.path, 'rules.json')
  const google = {
    id: 'google',
    platform: 'google_ads',
    endpoint: platform.url,
    config: plainSettings['google_ads'],
  }
  const site = { id: 'shop', hosts: ['*'], origin: 'http://127.0.0.1:9', rules: [], integrations: [google] }
  await writeFile(rules, JSON.stringify({ sites: [site] }))
  const { log } = collectedLog()
  const flags = ['--rules', rules, '--store', `sqlite:${folder.path}/s.db`]
  const engine = await startEngine(readConfig([...flags, '--allow-private-networks', '127.0.0.0/8'], env), {
    log,
    env,
  })
  try {
    const id = 'order-1' as EventId
    await engine.intake.accept([captured({ id, occurredAt: Date.now() }, { email: 'ann@example.com' })])
    const { store } = engine.ground
    await until(
      () => store.event('shop', id),
      (event) => event?.deliveries[0]?.status === 'sent',
    )
    const inAnHour = Date.now() + 3_600_000
    const open = await store.takeInquiries({
      integration: 'shop/google',
      now: inAnHour,
      until: inAnHour,
      limit: 10,
    })
    expect(open).toMatchObject([{ ticket: 'Rq-7f3a', deliveries: [expect.any(Number)] }])
  } finally {
    await engine.close(AbortSignal.timeout(2_000))
  }
})
