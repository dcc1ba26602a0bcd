import type { Clock } from '../clock.ts'
import type { Integration } from '../sites/configure.ts'
import type { Store } from '../store/store.ts'
import type { Lanes } from './lanes.ts'
import type { PersonMarks } from './person.ts'

/** A person's data taken out of a site, on request. Nobody is remembered: what comes in later is new. */

export interface ErasureReport {
  /** Events of which something was taken out. */
  readonly events: number
  /** By integration id; one that held nothing is not in it. */
  readonly integrations: Readonly<Record<string, ErasedDeliveries>>
}

export interface ErasedDeliveries {
  /** Were waiting, and will not be sent. */
  readonly stopped: number
  /** Were on their way at that moment, and the platform took them. */
  readonly sent: number
  /** Were on their way and no answer is there yet: it will stand in the event log, and no further try is made. */
  readonly underWay: number
  /** Had failed before; they cannot be replayed any more. */
  readonly failed: number
  /** Requests taken out of the journal. */
  readonly requests: number
}

/** How long an answer may be waited for, so that the report can say what became of what was on its way. */
const patienceMs = 2_000
const lookMs = 25
/** More than lanes can have on the wire; what is beyond is reported as under way. */
const mostLookedAt = 200

type Fate = 'stopped' | 'sent' | 'failed' | 'underWay'

const idOf = (key: string): string => key.slice(key.indexOf('/') + 1)

export const createErasure = ({
  store,
  lanes,
  clock,
}: {
  readonly store: Pick<Store, 'erase' | 'event'>
  readonly lanes: Pick<Lanes, 'recall'>
  readonly clock: Clock
}): ((site: string, marks: PersonMarks, integrations: readonly Integration[]) => Promise<ErasureReport>) => {
  const fateOf = async (site: string, eventId: string, integration: string): Promise<Fate> => {
    const event = await store.event(site, eventId)
    const status = event?.deliveries.find((one) => one.integration === integration)?.status
    if (status === 'sent' || status === 'failed') return status
    return status === 'claimed' ? 'underWay' : 'stopped'
  }

  return async (site, marks, integrations) => {
    const erased = await store.erase({ site, ...marks, now: clock.now() })
    // Only now: what is given back before its payload is gone would be claimed again.
    if (erased.claimed.length > 0) for (const { key } of integrations) lanes.recall(key)
    const fates = erased.claimed.map((one): { integration: string; eventId: string; fate: Fate } => ({
      ...one,
      fate: 'underWay',
    }))
    const deadline = clock.now() + patienceMs
    const watched = fates.slice(0, mostLookedAt)
    while (watched.some(({ fate }) => fate === 'underWay')) {
      for (const one of watched)
        if (one.fate === 'underWay') one.fate = await fateOf(site, one.eventId, one.integration)
      if (clock.now() >= deadline) break
      await clock.sleep(lookMs)
    }
    const count = (integration: string, wanted: Fate): number =>
      fates.filter((one) => one.integration === integration && one.fate === wanted).length
    return {
      events: erased.events,
      integrations: Object.fromEntries(
        erased.integrations.map(({ integration, ended, failed, requests }) => [
          idOf(integration),
          {
            stopped: ended + count(integration, 'stopped'),
            sent: count(integration, 'sent'),
            underWay: count(integration, 'underWay'),
            failed: failed + count(integration, 'failed'),
            requests,
          },
        ]),
      ),
    }
  }
}
