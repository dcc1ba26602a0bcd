import type { BuildCost } from '../inside/build.ts'
import { measuredCore } from '../harness/machine.ts'
import { show } from '../harness/numbers.ts'
import { measureInside } from '../harness/processes.ts'
import { table, type Section } from '../harness/report.ts'

/** What each platform's own work costs, without store and wire. */
export const build = async (): Promise<Section> => {
  const costs = await measureInside<readonly BuildCost[]>(
    new URL('../inside/build.ts', import.meta.url),
    [],
    measuredCore,
  )
  const rows = costs.map(
    ({ platform, batch, identifyPerSecond, buildPerSecond, bothPerSecond, bytesPerEvent }) => [
      platform,
      show(batch),
      show(bothPerSecond),
      show(identifyPerSecond),
      show(buildPerSecond),
      show(bytesPerEvent),
    ],
  )
  return {
    title: 'Destinations: identify and build',
    text: `In one process, on core 0: a purchase of two products by a person with every identifier known, no two people alike. "identify" normalises and hashes the person, "build" writes the request's body; in the gateway they happen apart, at the door and on the way out. Events per second, medians of 5 rounds of 300 ms.

${table(['platform', 'events a request', 'both', 'identify', 'build', 'bytes an event'], rows)}`,
    verdicts: [],
  }
}
