import { createCapture } from '../../src/capture/observe.ts'
import { compileTrust } from '../../src/capture/client-address.ts'
import { createDomPool } from '../../src/capture/page/dom-pool.ts'
import { createProductCache } from '../../src/capture/product-cache.ts'
import type { SkipReason } from '../../src/capture/capture.ts'
import { systemClock } from '../../src/clock.ts'
import { compileConfiguration } from '../../src/gateway/configuration.ts'
import { createHandover, type Handover } from '../../src/delivery/handover.ts'
import { createIntake } from '../../src/delivery/intake.ts'
import { createProxy, type Proxy } from '../../src/proxy/proxy.ts'
import { parseRules } from '../../src/rules-file/parse.ts'
import { rulesDeps } from '../../src/gateway/rules-deps.ts'
import type { Store } from '../../src/store/store.ts'

/** The front half of the gateway, wired as the gateway wires it, before a store that the test brings: it has no lanes. */
export interface Front extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly proxy: Proxy
  readonly handover: Handover
  /** Events that capture has handed over so far. */
  readonly given: number
  readonly troubles: readonly { readonly message: string; readonly waiting: number; readonly lost: number }[]
  /** How many had waited, each time the store took them. */
  readonly healed: readonly number[]
  readonly skips: readonly SkipReason[]
  readonly faults: readonly unknown[]
}

export interface FrontOptions {
  readonly store: Pick<Store, 'append'>
  /** The text of a rules file. */
  readonly rules: string
  readonly maxWaiting?: number
}

export const startFront = async ({ store, rules, maxWaiting }: FrontOptions): Promise<Front> => {
  const loaded = parseRules(rules, rulesDeps({}))
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const configuration = compileConfiguration(loaded.sites)
  const troubles: Front['troubles'][number][] = []
  const healed: number[] = []
  const skips: SkipReason[] = []
  const faults: unknown[] = []
  const intake = createIntake({
    store: store as Store,
    clock: systemClock,
    sealer: null,
    integrationsOf: configuration.integrationsOf,
    wake: () => {},
  })
  const handover = createHandover({
    intake,
    clock: systemClock,
    retryMs: 20,
    ...(maxWaiting === undefined ? {} : { maxWaiting }),
    onTrouble: (trouble) => troubles.push(trouble),
    onHealed: (waited) => healed.push(waited),
  })
  let given = 0
  const dom = createDomPool()
  const proxy = createProxy({
    sites: () => configuration.router,
    capture: createCapture({
      matcher: () => configuration.matcher,
      trust: compileTrust([]),
      reader: { dom, products: createProductCache() },
      onEvent: (captured) => {
        given += 1
        return handover.give(captured)
      },
      onSkip: ({ reason }) => skips.push(reason),
      onFault: (error) => faults.push(error),
    }),
    now: Date.now,
  })
  const { port } = await proxy.listen({ host: '127.0.0.1', port: 0 })
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    proxy,
    handover,
    get given() {
      return given
    },
    troubles,
    healed,
    skips,
    faults,
    [Symbol.asyncDispose]: async () => {
      await proxy.close(0)
      await handover.close(AbortSignal.timeout(0))
      await dom.close()
    },
  }
}

/** One site whose thank-you page is a purchase and whose product pages are views, sent to a webhook nobody runs. */
export const frontRules = (origin: string, site: { readonly holdMs?: number } = {}): string =>
  JSON.stringify({
    sites: [
      {
        id: 'shop',
        hosts: ['*'],
        origin,
        ...site,
        rules: [
          {
            id: 'order',
            match: { path: '/thanks/:id' },
            actions: [
              { type: 'fire_conversion_event', eventType: 'purchase', extract: { orderId: { param: 'id' } } },
            ],
          },
          {
            id: 'view',
            match: { path: '/products/*' },
            actions: [{ type: 'fire_conversion_event', eventType: 'view_content' }],
          },
        ],
        integrations: [
          {
            id: 'hook',
            platform: 'webhook',
            config: { url: 'http://127.0.0.1:9/in' },
            consent: { required: false },
          },
        ],
      },
    ],
  })
