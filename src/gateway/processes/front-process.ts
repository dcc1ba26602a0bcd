import { ownEnvironment } from '../../config.ts'
import { createIntake } from '../../delivery/intake.ts'
import { createLog, openAccessLog } from '../../log.ts'
import { countedOf } from '../counts.ts'
import { createDoors } from '../doors.ts'
import { startFront } from '../front.ts'
import { openGround } from '../ground.ts'
import { startServing } from '../serving.ts'
import { runMember } from './member.ts'
import { createWakes } from './wakes.ts'

/** A process that carries traffic, and nothing else: pages pass, their events are committed, the back is woken. */

runMember(async ({ name, config }, { rules, say }) => {
  process.title = `sluice ${name}`
  const log = createLog(config.logLevel).child({ process: name })
  const ground = await openGround(config, { log, rules })
  const { store, clock, sealer, integrationsOf } = ground
  const wake = createWakes((lanes) => say({ kind: 'wake', lanes }))
  const intake = createIntake({ store, clock, sealer, integrationsOf, wake })
  const front = startFront(config, ground, intake)
  const access = openAccessLog()
  const { ingest } = createDoors(ground, intake, config)
  const serving = await startServing(config, { ground, front, ingest: ingest.answer, access: access.write })
  return {
    places: { url: serving.url, tlsUrl: serving.tlsUrl },
    counted: () => countedOf({ proxy: serving.stats, ...front.counts() }),
    hear: ({ kind }) => {
      if (kind === 'settings') ground.refresh()
    },
    stop: async (deadlineMs) => {
      const deadline = AbortSignal.timeout(deadlineMs)
      ground.stopFollowing()
      // From the visitor inwards: whoever still gets a page has its event committed.
      await serving.close(deadlineMs)
      await ingest.close()
      await front.close(deadline)
      await ground.close()
      await access.close()
    },
  }
}, ownEnvironment())
