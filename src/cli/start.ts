import { readConfig } from '../config.ts'
import { startGateway } from '../gateway/gateway.ts'
import { createLog, openAccessLog } from '../log.ts'

/** `sluice start`: runs until it is told to stop. */

/** Orchestrators kill after 30 s; this leaves them time to see us go. */
const drainMs = 20_000

export const run = async (args: readonly string[]): Promise<number> => {
  const config = readConfig(args, process.env)
  const log = createLog(config.logLevel)
  const stopped = Promise.withResolvers<number>()
  let stopping = false

  const access = openAccessLog()
  const gateway = await startGateway(config, { log, env: process.env, access: access.write })
  const close = async (): Promise<void> => {
    await gateway.close(drainMs)
    await access.close()
  }
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn({ signal }, 'stopping now: told twice')
      process.exit(1)
    }
    stopping = true
    log.info({ signal }, 'stopping: no new requests, finishing what is under way')
    close().then(
      () => stopped.resolve(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed')
        stopped.resolve(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => gateway.reload())

  // Whoever reads this line may send a signal at once, so it comes when all of them are heard.
  log.info(
    {
      listen: gateway.url,
      ...(gateway.tlsUrl === null ? {} : { tlsListen: gateway.tlsUrl }),
      admin: gateway.adminUrl,
      store: `sqlite:${config.store.path}`,
      sites: gateway.summary.sites,
      rules: gateway.summary.rules,
      integrations: gateway.summary.integrations,
    },
    `ready: ${gateway.url}${gateway.tlsUrl === null ? '' : ` and ${gateway.tlsUrl}`}${gateway.adminUrl === null ? '' : ` (admin API: ${gateway.adminUrl})`}`,
  )
  return stopped.promise
}
