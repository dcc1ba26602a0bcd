import { createKeeper } from '../capture/identity/keeper.ts'
import { createCapture } from '../capture/observe.ts'
import type { Capture } from '../capture/capture.ts'
import { compileTrust, type Trust } from '../capture/client-address.ts'
import { createDomPool } from '../capture/page/dom-pool.ts'
import { createProductCache } from '../capture/product-cache.ts'
import type { Config } from '../config.ts'
import { createHandover } from '../delivery/handover.ts'
import type { Intake } from '../delivery/intake.ts'
import type { Configuration } from './configuration.ts'
import type { Ground } from './ground.ts'
import { skipKey, skipsByReason, type SkipCounts } from './skips.ts'
import type { Log } from '../log.ts'

/** From pages to committed events: what every process that carries traffic has. It never talks to a platform. */
export interface Front {
  readonly trust: Trust
  /** Shown every request by whoever carries it. */
  readonly capture: Capture
  counts(): FrontCounts
  /** Called when no page is under way any more: events of pages that have passed are committed, up to the signal. */
  close(deadline: AbortSignal): Promise<void>
}

/** Since the start; plain numbers for whoever shows them. */
export interface FrontCounts {
  /** Requests that a rule's address matches and that did not count, by `site/reason`. */
  readonly skipped: Readonly<Record<string, number>>
  /** The same by `site/rule/reason`. */
  readonly skippedByRule: SkipCounts
  /** Answers that were to carry cookies of ours, by `site/outcome`. */
  readonly cookies: Readonly<Record<string, number>>
  /** What became of pages that were to be told of their events, by `site/result`. */
  readonly dataLayer: Readonly<Record<string, number>>
  /** Events that wait in memory because the store cannot take them, and those that found no place. */
  readonly waiting: number
  readonly lost: number
}

const signalled = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** A header that no peer may speak in is read of nobody, and whoever wrote it down expects otherwise. */
const warnUnheard = (log: Log, trustedProxies: readonly string[], { sites }: Configuration): void => {
  if (trustedProxies.length > 0) return
  for (const { traffic } of sites)
    for (const name of ['clientIpHeader', 'countryHeader'] as const)
      if (traffic[name] !== undefined)
        log.warn(
          { site: traffic.id, [name]: traffic[name] },
          `${name} is read of nobody: name the proxies that write it in --trusted-proxies`,
        )
}

export interface FrontConfig extends Pick<Config, 'trustedProxies'> {
  /** Whoever carries the traffic alters nothing, so nothing is added to an answer. */
  readonly looksOn?: boolean
}

export const startFront = (config: FrontConfig, ground: Ground, intake: Intake): Front => {
  const { clock, log, dataLayers } = ground
  warnUnheard(log, config.trustedProxies, ground.configuration)
  ground.onReload((fresh) => warnUnheard(log, config.trustedProxies, fresh))
  const handover = createHandover({
    intake,
    clock,
    onTrouble: (trouble) => log.error(trouble, 'an event could not be committed'),
    onHealed: (waited) => log.info({ waited }, 'waiting events are committed'),
  })
  const dom = createDomPool()
  const trust = compileTrust(config.trustedProxies)
  const skippedByRule: Record<string, number> = {}
  const cookies: Record<string, number> = {}
  const keeper = createKeeper({
    now: clock.now,
    random: Math.random,
    onOutcome: ({ site, outcome }) => {
      const key = `${site}/${outcome}`
      cookies[key] = (cookies[key] ?? 0) + 1
    },
  })
  const told: Record<string, number> = {}
  const capture = createCapture({
    matcher: () => ground.configuration.matcher,
    trust,
    reader: { dom, products: createProductCache() },
    onEvent: handover.give,
    ...(config.looksOn === true ? {} : { keeper }),
    onSkip: ({ site, rule, reason }) => {
      const key = skipKey(site, rule, reason)
      skippedByRule[key] = (skippedByRule[key] ?? 0) + 1
      log.debug({ site, rule, reason }, 'not counted')
    },
    dataLayerOf: (site) => (config.looksOn === true ? null : dataLayers.of(site).settings),
    onDataLayer: ({ site, result }) => {
      const key = `${site}/${result}`
      told[key] = (told[key] ?? 0) + 1
    },
    onFault: (error) => log.error({ err: error }, 'a page could not be captured'),
  })
  return {
    trust,
    capture,
    counts: () => ({
      skipped: skipsByReason(skippedByRule),
      skippedByRule: { ...skippedByRule },
      cookies: { ...cookies },
      dataLayer: told,
      waiting: handover.waiting,
      lost: handover.lost,
    }),
    close: async (deadline) => {
      await Promise.race([capture.idle(), signalled(deadline)])
      await handover.close(deadline)
      await dom.close()
    },
  }
}
