import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../../src/clock.ts'
import { createAddressGuard } from '../../src/delivery/address-guard.ts'
import { createTransport } from '../../src/delivery/http.ts'
import { createIntake } from '../../src/delivery/intake.ts'
import { createLanes } from '../../src/delivery/lanes.ts'
import type { EventId } from '../../src/event/brand.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { simplePlatform } from './destination.ts'
import { captured, someIntegration } from './events.ts'

/**
 * Intake, lanes and store in a process of their own, to be killed. It loads, waits for `start`, and then takes events; all
 * the while the log is copied back into the file and what is settled is swept away, so that a kill may hit those, too.
 */

export type ToEngine =
  | { readonly start: { readonly folder: string; readonly url: string; readonly epoch: number } }
  | { readonly append: readonly number[] }
  | { readonly finish: true }

export type FromEngine =
  | { readonly loaded: true }
  | { readonly started: true }
  | { readonly accepted: readonly number[] }
  | { readonly finished: { readonly pending: number } }

const retentionMs = 300
const types = ['purchase', 'lead', 'view_content', 'search'] as const

/** The same number is the same event, to the last byte, in whichever life it comes in. */
const eventOf = (number: number, epoch: number) => {
  const type = types[number % types.length] ?? 'purchase'
  return captured(
    {
      id: `event-${number}` as EventId,
      type,
      name: type,
      occurredAt: epoch + number,
      custom: { value: number / 7, currency: 'EUR', orderId: `A-${number}` },
    },
    { email: `visitor-${number}@example.com` },
  )
}

const patient = simplePlatform({ retry: () => ({ maxAttempts: 10_000, delaysMs: [10, 50, 200] }) })

const say = (message: FromEngine): void => {
  process.send?.(message)
}

const start = async (
  folder: string,
  url: string,
  epoch: number,
): Promise<(message: ToEngine) => Promise<void>> => {
  const path = join(folder, 'sluice.db')
  const store = await openSqliteStore({ path })
  await store.recover(Date.now())
  const transport = createTransport({
    guard: createAddressGuard({ allow: ['127.0.0.0/8'] }),
    userAgent: 'sluice-test',
  })
  const lanes = createLanes({
    store,
    transport,
    sealer: null,
    clock: systemClock,
    random: Math.random,
    report: () => undefined,
    breaker: { failures: 5, firstMs: 50, longestMs: 200 },
  })
  const integrations = [
    someIntegration(
      { id: 'alone', endpoint: `${url}/alone`, rateLimit: { lifted: true, batchSize: 1 } },
      patient,
    ),
    someIntegration({ id: 'batched', endpoint: `${url}/batched`, batchWindow: 0.1 }, patient),
  ]
  const intake = createIntake({
    store,
    clock: systemClock,
    integrationsOf: () => integrations,
    sealer: null,
    wake: lanes.wake,
  })
  lanes.follow(integrations)

  const sweeping = setInterval(() => {
    store.sweep(Date.now() - retentionMs).catch(() => undefined)
  }, 20)
  const beside = new DatabaseSync(path, { timeout: 50 })
  const checkpointing = setInterval(() => {
    try {
      beside.exec(`PRAGMA wal_checkpoint(${Math.random() < 0.5 ? 'TRUNCATE' : 'PASSIVE'})`)
    } catch {
      // Somebody writes: another time.
    }
  }, 15)

  const finish = async (): Promise<void> => {
    for (let pending = 1; pending > 0;) {
      const lanesLeft = await store.backlog()
      pending = lanesLeft.reduce((sum, lane) => sum + lane.pending, 0)
      await systemClock.sleep(20)
    }
    clearInterval(sweeping)
    clearInterval(checkpointing)
    beside.close()
    await lanes.stop(AbortSignal.timeout(5_000))
    await transport.close()
    await store.close()
    say({ finished: { pending: 0 } })
    process.disconnect()
  }

  return async (message) => {
    if ('append' in message) {
      await intake.accept(message.append.map((number) => eventOf(number, epoch)))
      say({ accepted: message.append })
    } else if ('finish' in message) await finish()
  }
}

let running: ((message: ToEngine) => Promise<void>) | null = null
process.on('message', (message: ToEngine) => {
  const handle = async (): Promise<void> => {
    if ('start' in message) {
      const { folder, url, epoch } = message.start
      running = await start(folder, url, epoch)
      say({ started: true })
      // The next of its kind loads in half the time.
      flushCompileCache()
    } else await running?.(message)
  }
  handle().catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    process.exit(1)
  })
})
say({ loaded: true })
