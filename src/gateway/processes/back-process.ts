import { ownEnvironment } from '../../config.ts'
import { createIntake } from '../../delivery/intake.ts'
import { createLog } from '../../log.ts'
import { startAdminApi } from '../admin-api.ts'
import { startBack } from '../back.ts'
import { noCounts } from '../counts.ts'
import { createDoors } from '../doors.ts'
import { openGround } from '../ground.ts'
import { runMember } from './member.ts'
import type { FrontsNews } from './messages.ts'

/** The process that delivers, and answers the admin API. Of what the fronts do it knows what it is told. */

runMember(async ({ name, config }, { rules, say }) => {
  process.title = `sluice ${name}`
  const log = createLog(config.logLevel).child({ process: name })
  const ground = await openGround(config, { log, rules })
  const back = await startBack(config, ground)
  const { store, clock, sealer, integrationsOf } = ground
  const intake = createIntake({ store, clock, sealer, integrationsOf, wake: back.lanes.wake })
  const changed = (): void => say({ kind: 'settings' })
  ground.managed.onChange(changed)
  ground.dataLayers.onChange(changed)
  let fronts: FrontsNews = { counted: noCounts, serving: 0 }
  let leaving = false
  const notReady = (): string | null => {
    if (leaving) return 'the gateway is stopping'
    return fronts.serving === 0 ? 'no process serves visitors' : null
  }
  const admin =
    config.admin === undefined
      ? null
      : await startAdminApi({
          admin: config.admin,
          ground,
          back,
          intake,
          doors: createDoors(ground, intake, config),
          rulesFile: config.rules,
          counted: () => fronts.counted,
          notReady,
        })
  const adminListen =
    admin === null || config.admin === undefined
      ? {}
      : { adminListen: { ...config.admin.listen, port: Number(new URL(admin.url).port) } }
  return {
    places: { adminUrl: admin?.url ?? null, ...adminListen },
    counted: () => null,
    hear: (message) => {
      if (message.kind === 'fronts') fronts = message.news
      else if (message.kind === 'leaving') leaving = true
      else if (message.kind === 'wake')
        for (const [integration, lane] of message.lanes) back.lanes.wake(integration, lane)
    },
    stop: async (deadlineMs) => {
      const deadline = AbortSignal.timeout(deadlineMs)
      leaving = true
      ground.stopFollowing()
      await admin?.close()
      await back.close(deadline)
      await ground.close()
    },
  }
}, ownEnvironment())
