import type { Config } from '../config.ts'
import { createAddressGuard } from '../delivery/address-guard.ts'
import { startHousekeeping } from '../delivery/housekeeping.ts'
import { createTransport, type Transport } from '../delivery/http.ts'
import { createLanes, type Lanes } from '../delivery/lanes.ts'
import { createOrphans } from '../delivery/orphans.ts'
import type { LaneNews } from '../delivery/sending.ts'
import type { Ground } from './ground.ts'
import type { Log } from '../log.ts'

/** From committed events to platforms. One process has it; it never touches a visitor's request. */
export interface Back {
  readonly lanes: Lanes
  readonly transport: Transport
  /** Told of every attempt from now on. */
  onAttempt(listener: (news: LaneNews) => void): void
  /** Deliveries that have begun are finished or given back, up to the signal. */
  close(deadline: AbortSignal): Promise<void>
}

const appName = 'sluice/0.1'

const tellDelivery =
  (log: Log) =>
  ({ outcome, ...fields }: LaneNews): void => {
    const level = outcome === 'delivered' ? 'debug' : outcome === 'not_attempted' ? 'info' : 'warn'
    log[level](
      { outcome, ...fields },
      outcome === 'refused_later' ? 'refused after it was accepted' : 'delivery attempted',
    )
  }

export const startBack = async (
  config: Pick<Config, 'allowPrivateNetworks' | 'retentionDays'>,
  ground: Ground,
): Promise<Back> => {
  const { clock, log, store, sealer } = ground
  const interrupted = await store.recover(clock.now())
  if (interrupted > 0) log.info({ deliveries: interrupted }, 'took up deliveries that the last run had begun')

  const transport = createTransport({
    guard: createAddressGuard({ allow: config.allowPrivateNetworks }),
    userAgent: appName,
  })
  const listeners: ((news: LaneNews) => void)[] = [tellDelivery(log)]
  const lanes = createLanes({
    store,
    inquiries: store,
    transport,
    sealer,
    clock,
    random: Math.random,
    report: (news) => {
      for (const listen of listeners) listen(news)
    },
  })
  ground.followIntegrations(lanes.follow)
  const orphans = createOrphans({
    store,
    lanes,
    clock,
    declared: () => new Set(ground.configuration.integrations.map(({ key }) => key)),
    managed: ground.managed.keys,
    report: (news) => log.warn(news, 'deliveries of an integration that is gone are given up'),
  })
  // After the lanes, which then know what they have to let go of.
  ground.managed.onChange(orphans.follow)
  const housekeeping = startHousekeeping({
    store,
    clock,
    retentionDays: config.retentionDays,
    first: orphans.sweep,
    report: (news) =>
      'problem' in news ? log.warn(news, 'housekeeping failed') : log.info(news, 'housekeeping'),
  })
  return {
    lanes,
    transport,
    onAttempt: (listener) => void listeners.push(listener),
    close: async (deadline) => {
      orphans.stop()
      await Promise.all([lanes.stop(deadline), housekeeping.stop()])
      await transport.close()
    },
  }
}
