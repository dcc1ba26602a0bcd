import { systemClock } from '../../../src/clock.ts'
import { createIntake } from '../../../src/delivery/intake.ts'
import type { EventId, SiteId } from '../../../src/event/brand.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { allGranted, maximalEvent, someone } from '../../destinations/events.ts'
import { integrationOf } from '../../support/admin.ts'
import { liftedMeta } from '../harness/ingest.ts'

/** Fills a store with events that wait, as a platform leaves it that was down for a day. Run by `sections/backlog.ts`. */

const [path = '', count = '0', endpoint = ''] = process.argv.slice(2)
const atOnce = 500

const store = await openSqliteStore({ path })
const integration = integrationOf('shop', liftedMeta(endpoint))
const intake = createIntake({
  store,
  clock: systemClock,
  integrationsOf: () => [integration],
  sealer: null,
  wake: () => {},
})

const begun = performance.now()
const total = Number(count)
const fill = async (from: number): Promise<void> => {
  await intake.accept(
    Array.from({ length: Math.min(atOnce, total - from) }, (_, index) => ({
      event: {
        ...maximalEvent,
        id: `waiting-${from + index}` as EventId,
        site: 'shop' as SiteId,
        type: 'view_content',
        name: 'view_content',
        occurredAt: Date.now(),
        consent: allGranted,
      },
      userData: { ...someone, email: `person.${from + index}@example.com` },
      targets: null,
      sources: [{ field: 'value', from: 'json-ld: Product.offers.price' }],
      warnings: [],
    })),
  )
}
const starts = Array.from({ length: Math.ceil(total / atOnce) }, (_, index) => index * atOnce).values()
/** Four at a time keep the store's thread busy while the next are made. */
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (const from of starts) await fill(from)
  }),
)
await store.close()
process.stdout.write(JSON.stringify({ seconds: (performance.now() - begun) / 1_000 }))
