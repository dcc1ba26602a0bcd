import type { LaneName } from '../../event/names.ts'
import type { Wakes } from './messages.ts'

/** Long enough to gather what a busy front commits, short beside the second in which a purchase is to be at its platform. */
const gatherMs = 5

/** Tells the back which lanes have something to do: once for many events, not for each. */
export const createWakes = (
  tell: (lanes: Wakes) => void,
): ((integration: string, lane: LaneName) => void) => {
  const gathered = new Map<string, readonly [integration: string, lane: LaneName]>()
  const flush = (): void => {
    const lanes = [...gathered.values()]
    gathered.clear()
    tell(lanes)
  }
  return (integration, lane) => {
    if (gathered.size === 0) setTimeout(flush, gatherMs)
    gathered.set(`${lane} ${integration}`, [integration, lane])
  }
}
