import { readConfig, type Config } from '../config.ts'
import { startGateway, type RunningGateway } from '../gateway/gateway.ts'
import { startProcesses } from '../gateway/processes/supervisor.ts'
import { createLog, openAccessLog, type Log } from '../log.ts'

/** `sluice start`: runs until it is told to stop. */

/** Orchestrators kill after 30 s; this leaves them time to see us go. */
const drainMs = 20_000

const startInOneProcess = async (config: Config, log: Log): Promise<RunningGateway> => {
  const access = openAccessLog()
  const gateway = await startGateway(config, { log, env: process.env, access: access.write })
  return {
    ...gateway,
    close: async (deadlineMs) => {
      await gateway.close(deadlineMs)
      await access.close()
    },
  }
}

export const run = async (args: readonly string[]): Promise<number> => {
  const config = readConfig(args, process.env)
  const log = createLog(config.logLevel)
  const stopped = Promise.withResolvers<number>()
  let stopping = false

  const { workers = 0 } = config
  const gateway =
    workers === 0
      ? await startInOneProcess(config, log)
      : await startProcesses(config, { log, env: process.env, workers })
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn({ signal }, 'stopping now: told twice')
      process.exit(1)
    }
    stopping = true
    log.info({ signal }, 'stopping: no new requests, finishing what is under way')
    gateway.close(drainMs).then(
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
      workers,
      store: `sqlite:${config.store.path}`,
      sites: gateway.summary.sites,
      rules: gateway.summary.rules,
      integrations: gateway.summary.integrations,
    },
    `ready: ${gateway.url}${gateway.tlsUrl === null ? '' : ` and ${gateway.tlsUrl}`}${gateway.adminUrl === null ? '' : ` (admin API: ${gateway.adminUrl})`}`,
  )
  return stopped.promise
}
