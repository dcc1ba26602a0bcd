import type { Clock } from '../clock.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { InquiryStore } from '../store/inquiries.ts'
import type { Store } from '../store/store.ts'
import { createCredentialLimits } from './credential-limits.ts'
import { createCredentials } from './credentials.ts'
import { usualBreaker, type BreakerPolicy, type Parked } from './gate.ts'
import type { Transport } from './http.ts'
import { startInquirer, type Inquirer } from './inquiries.ts'
import { createLane, type Lane } from './lane.ts'
import { createPacers, paced } from './pace.ts'
import type { InForce, RateLimiter } from './rate-limit.ts'
import type { PlainSealer } from './records.ts'
import type { LaneNews } from './sending.ts'
import { createSteadyClock } from './steady-clock.ts'

/** All lanes: two for each active integration, which share the limit of its credential. */
export interface Lanes {
  /** Starts, restarts and stops lanes so that they follow the integrations; those unchanged go on undisturbed. */
  follow(integrations: readonly Integration[]): void
  wake(integration: string, lane: LaneName): void
  /** Both lanes of an integration give back what is claimed and has not left yet. */
  recall(integration: string): void
  /** The lanes that do not send for the time being: refused credentials, or nobody answers. They go on by themselves. */
  parked(): readonly (Parked & { readonly integration: string; readonly lane: LaneName })[]
  /** How an integration's lanes are doing at this moment; `null`: it has none. */
  condition(integration: string): LanesCondition | null
  /** Resolves when no lane of it that was told to stop runs any more. */
  ended(integration: string): Promise<void>
  /** Once the signal fires, what is on the wire is given up and released. */
  stop(deadline: AbortSignal): Promise<void>
}

export interface LanesCondition {
  readonly limits: InForce
  readonly lanes: readonly {
    readonly lane: LaneName
    readonly parked: Parked | null
    readonly failures: number
  }[]
  /** Of the access token, where the platform wants one and one is at hand. */
  readonly tokenUsableUntil: number | null
}

export interface LanesOptions {
  readonly store: Store
  /** Absent: what platforms say later is not asked for. */
  readonly inquiries?: InquiryStore
  readonly transport: Transport
  readonly sealer: PlainSealer | null
  readonly clock: Clock
  readonly random: () => number
  readonly report: (news: LaneNews) => void
  readonly breaker?: BreakerPolicy
}

interface Pair {
  readonly integration: Integration
  readonly limiter: RateLimiter
  readonly lanes: readonly Lane[]
  /** `null` where the first answer is the last. */
  readonly inquirer: Inquirer | null
}

/** Two readings of the same declaration are the same integration, though reloading made a new value of it. */
const same = (a: Integration, b: Integration): boolean => {
  const essence = ({ destination, ...rest }: Integration): string =>
    JSON.stringify([destination.name, rest], (_, value: unknown) => (value === Infinity ? 'Infinity' : value))
  return a === b || essence(a) === essence(b)
}

export const createLanes = (options: LanesOptions): Lanes => {
  const pairs = new Map<string, Pair>()
  const leaving = new Map<Promise<void>, string>()
  /** Lanes whose integration changed finish what they have begun; nothing hurries them but the end of the process. */
  const hurry = new AbortController()
  const credentials = createCredentials(options)
  const steady = createSteadyClock(options.clock)
  const limits = createCredentialLimits(steady)
  const pacers = createPacers(steady)

  const start = (integration: Integration): Pair => {
    const limiter = paced(limits.of(integration), pacers(integration))
    const breaker = options.breaker ?? usualBreaker
    const { inquiries } = options
    const { later } = integration.destination
    return {
      integration,
      limiter,
      lanes: (['realtime', 'batch'] as const).map((lane) =>
        createLane({ ...options, steady, breaker, integration, lane, limiter, credentials }),
      ),
      inquirer:
        later === undefined || inquiries === undefined
          ? null
          : startInquirer({ ...options, integration, later, inquiries, credentials, limiter }),
    }
  }

  const stopPair = (pair: Pair): Promise<void> => {
    const all = [
      ...pair.lanes.map((lane) => lane.stop(hurry.signal)),
      ...(pair.inquirer === null ? [] : [pair.inquirer.stop()]),
    ]
    const stopped = Promise.all(all).then(() => {
      leaving.delete(stopped)
    })
    leaving.set(stopped, pair.integration.key)
    return stopped
  }

  return {
    follow: (integrations) => {
      const wanted = new Map(
        integrations.filter(({ paused }) => !paused).map((integration) => [integration.key, integration]),
      )
      limits.follow([...wanted.values()])
      for (const [key, pair] of pairs) {
        const integration = wanted.get(key)
        if (integration !== undefined && same(integration, pair.integration)) wanted.delete(key)
        else {
          pairs.delete(key)
          void stopPair(pair)
        }
      }
      for (const [key, integration] of wanted) pairs.set(key, start(integration))
    },
    wake: (integration, lane) => {
      for (const one of pairs.get(integration)?.lanes ?? []) if (one.name === lane) one.wake()
    },
    recall: (integration) => {
      for (const one of pairs.get(integration)?.lanes ?? []) one.recall()
    },
    parked: () =>
      [...pairs.values()].flatMap(({ integration, lanes }) =>
        lanes.flatMap((lane) =>
          lane.parked === null ? [] : [{ ...lane.parked, integration: integration.key, lane: lane.name }],
        ),
      ),
    condition: (key) => {
      const pair = pairs.get(key)
      if (pair === undefined) return null
      return {
        limits: pair.limiter.inForce,
        lanes: pair.lanes.map(({ name, parked, failures }) => ({ lane: name, parked, failures })),
        tokenUsableUntil: credentials.usableUntil(pair.integration),
      }
    },
    ended: async (key) => {
      await Promise.all([...leaving].flatMap(([stopped, of]) => (of === key ? [stopped] : [])))
    },
    stop: async (deadline) => {
      if (deadline.aborted) hurry.abort()
      else deadline.addEventListener('abort', () => hurry.abort(), { once: true })
      for (const pair of pairs.values()) void stopPair(pair)
      pairs.clear()
      await Promise.all(leaving.keys())
      credentials.close()
    },
  }
}
