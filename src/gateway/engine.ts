import { startBack, type Back } from './back.ts'
import type { Config, Environment } from '../config.ts'
import { createIntake, type Intake } from '../delivery/intake.ts'
import { startFront, type Front, type FrontConfig } from './front.ts'
import { openGround, type Ground, type GroundConfig } from './ground.ts'
import type { Log } from '../log.ts'
import type { RulesSource } from './preconditions.ts'
import { watchedRules } from './rules-feed.ts'

/**
 * Front and back in one process: for tests, small sites and the plugin. The standalone gateway and the plugin run the same
 * one; they differ in who shows it the pages.
 */
export interface Engine {
  readonly ground: Ground
  readonly front: Front
  readonly back: Back
  readonly intake: Intake
  /**
   * Called when no page is under way any more. Events of pages that have passed are committed, deliveries that have begun
   * are finished or given back, up to the signal.
   */
  close(deadline: AbortSignal): Promise<void>
}

export type EngineConfig = GroundConfig &
  FrontConfig &
  Pick<Config, 'allowPrivateNetworks' | 'retentionDays'> & { readonly rules: RulesSource }

/** @throws ConfigurationError in words; nothing is left half-started. */
export const startEngine = async (
  config: EngineConfig,
  { log, env }: { readonly log: Log; readonly env: Environment },
): Promise<Engine> => {
  await using started = new AsyncDisposableStack()
  const rules = await watchedRules(config.rules, { log, env })
  const ground = started.adopt(await openGround(config, { log, rules }), (one) => one.close())
  const back = started.adopt(await startBack(config, ground), (one) => one.close(AbortSignal.timeout(0)))
  const { store, clock, sealer, integrationsOf } = ground
  const intake = createIntake({ store, clock, sealer, integrationsOf, wake: back.lanes.wake })
  const front = startFront(config, ground, intake)
  started.move()
  return {
    ground,
    front,
    back,
    intake,
    close: async (deadline) => {
      ground.stopFollowing()
      // From the page inwards: what has passed is read and committed, and only then do the lanes stop.
      await front.close(deadline)
      await back.close(deadline)
      await ground.close()
    },
  }
}
