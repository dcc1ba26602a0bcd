/** Run as a process of its own: fills a store until the disk refuses, says so, and goes on when it is told to. */
import { once } from 'node:events'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { StoreError } from '../../../src/store/store.ts'
import { meta, newEvent, queued } from '../events.ts'

const say = (message: unknown): void => console.log(JSON.stringify(message))
const large = (eventId: string) => newEvent(eventId, { deliveries: [queued({ payload: 'p'.repeat(5_000) })] })

const news: string[] = []
const store = await openSqliteStore({
  path: process.argv[2] ?? '',
  onEvent: ({ kind }) => kind !== 'committed' && news.push(kind),
})
const acknowledged: string[] = []
const refused: string[] = []
while (refused.length === 0) {
  const eventId = `e${acknowledged.length}`
  try {
    await store.append([large(eventId)])
    acknowledged.push(eventId)
  } catch (error) {
    refused.push(eventId)
    const claim = await store.claim({ integration: meta, lane: 'realtime', limit: 1_000, now: 1_000 }).then(
      () => 'claimed',
      (reason: StoreError) => reason.code,
    )
    say({ refusal: error instanceof StoreError ? { code: error.code, message: error.message } : null, claim })
  }
}
await once(process.stdin, 'data')
process.stdin.destroy()

const append = await store.append([large('after')])
const missing = []
for (const eventId of acknowledged) if ((await store.event('shop', eventId)) === null) missing.push(eventId)
const unexpected = []
for (const eventId of refused) if ((await store.event('shop', eventId)) !== null) unexpected.push(eventId)
await store.recover(1_000)
const due = await store.claim({ integration: meta, lane: 'realtime', limit: 100_000, now: 1_000 })
const lost = acknowledged.length + append.length - due.length
await store.close()
say({ append, missing, unexpected, lost, news, acknowledged: acknowledged.length })
