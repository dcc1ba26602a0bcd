import { destinations } from '../../../src/destinations/index.ts'
import type { UserData } from '../../../src/event/event.ts'
import type { EventId } from '../../../src/event/brand.ts'
import { context, maximalEvent, plainSettings, routed, someone } from '../../destinations/events.ts'
import { median } from '../harness/numbers.ts'

/**
 * What an event costs on its way to each platform's body: normalised, hashed and written. Run by `sections/build.ts`; prints
 * JSON.
 */

export interface BuildCost {
  readonly platform: string
  readonly batch: number
  readonly identifyPerSecond: number
  readonly buildPerSecond: number
  readonly bothPerSecond: number
  readonly bytesPerEvent: number
}

const rounds = 5
const roundMs = 300
/** No two people alike: what is remembered from one event to the next must not look like speed. */
const people: readonly UserData[] = Array.from({ length: 1_000 }, (_, index) => ({
  ...someone,
  email: `Jane.Doe+${index}@Example.COM`,
  phone: `+1 (415) 555-${String(index).padStart(4, '0')}`,
  externalId: `User-${index}`,
}))

/** Events per second of something that handles so many at a time. */
const rate = (atATime: number, work: (turn: number) => unknown): number => {
  const rates: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const begun = performance.now()
    let turns = 0
    while (performance.now() - begun < roundMs) {
      work(turns)
      turns += 1
    }
    // The first warms up.
    if (round > 0) rates.push((turns * atATime) / ((performance.now() - begun) / 1_000))
  }
  return median(rates)
}

const costs = destinations.map((destination): BuildCost => {
  const settings = destination.settings.parse(plainSettings[destination.name])
  const batch = Math.min(destination.limits.batchSize, 100)
  const eventOf = (index: number) => ({ ...maximalEvent, id: `event-${index}` as EventId })
  const personOf = (index: number): UserData => people[index % people.length] ?? someone
  const batchFrom = (first: number) =>
    Array.from({ length: batch }, (_, index) =>
      routed(destination, settings, eventOf(first + index), personOf(first + index)),
    )
  const prepared = batchFrom(0)
  return {
    platform: destination.name,
    batch,
    identifyPerSecond: rate(1, (turn) => destination.identify(personOf(turn), settings, context)),
    buildPerSecond: rate(batch, () => destination.build(prepared, settings, context)),
    bothPerSecond: rate(batch, (turn) => destination.build(batchFrom(turn * batch), settings, context)),
    bytesPerEvent: Buffer.byteLength(destination.build(prepared, settings, context).body) / batch,
  }
})
process.stdout.write(JSON.stringify(costs satisfies readonly BuildCost[]))
