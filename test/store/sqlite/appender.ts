/** Run as a process of its own, to be killed: appends and claims without pause, and prints the ids that were acknowledged. */
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { meta, newEvent } from '../events.ts'

const [, , path = '', round] = process.argv
const store = await openSqliteStore({ path })

const append = async (writer: number): Promise<void> => {
  for (let n = 0; ; n++) {
    const ids = Array.from({ length: 1 + (n % 7) }, (_, index) => `e${round}-${writer}-${n}-${index}`)
    await store.append(ids.map((eventId) => newEvent(eventId)))
    // A pipe is written synchronously: what the parent reads had been acknowledged before the blow.
    process.stdout.write(`${ids.join(' ')}\n`)
  }
}

const claim = async (): Promise<void> => {
  for (;;) {
    const claimed = await store.claim({ integration: meta, lane: 'realtime', limit: 20, now: 1_000 })
    await store.release(claimed.slice(10).map(({ deliveryId }) => deliveryId))
  }
}

await Promise.all([...Array.from({ length: 8 }, (_, writer) => append(writer)), claim()])
