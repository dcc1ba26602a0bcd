import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { listenOn } from '../../proxy/listen.ts'
import { ConfigurationError, type Config, type Environment } from '../../config.ts'
import type { Log } from '../../log.ts'
import { watchRules } from '../../rules-file/watch.ts'
import type { Counted } from '../../admin/metrics.ts'
import { summaryOf } from '../configuration.ts'
import { addCounted, countedWhenGone, noCounts } from '../counts.ts'
import type { RunningGateway } from '../gateway.ts'
import { listenProblem, loadOrRefuse } from '../preconditions.ts'
import { rulesDeps } from '../rules-deps.ts'
import { parseInThread } from '../rules-thread.ts'
import { countsEveryMs } from './member.ts'
import type { FromMember, Places, ToMember } from './messages.ts'
import { keepPlace, type Place } from './place.ts'
import { createRulesInStep } from './rules-in-step.ts'

/**
 * The gateway in several processes: this one supervises, one is the back, the others are fronts. The supervisor keeps
 * them alive, reads the rules file for all, and passes on what they tell each other. It touches no connection, no request and
 * no event, so that there is little it could die of.
 */

const moduleOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** The limit of one address holds for all fronts together, among whom its connections are about evenly spread. */
const shareOf = (limit: number | undefined, fronts: number): { connectionsPerAddress?: number } =>
  limit === undefined ? {} : { connectionsPerAddress: Math.ceil(limit / fronts) }

/**
 * Linux deals connections out among processes that listen on one port, each with a queue of its own. Elsewhere the fronts
 * take them from one queue, so that a few may get most of a sudden crowd. Never does this process deal them out, as
 * `node:cluster` would have it: one that is dealt to a front in its last moment would be neither served nor closed.
 */
const reusePort = process.platform === 'linux'
cluster.schedulingPolicy = cluster.SCHED_NONE

/** Nobody else may listen there; and a port that the system chooses is to be the same for every front. */
const placeOf = async (address: Config['listen']): Promise<Config['listen']> => {
  const server = createServer()
  try {
    const { port } = await listenOn(server, address)
    return { ...address, port, reusePort }
  } catch (error) {
    throw new ConfigurationError(listenProblem(address, error), { cause: error })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

/** @throws ConfigurationError in words; no process is left behind. */
export const startProcesses = async (
  config: Config,
  { log, env, workers }: { readonly log: Log; readonly env: Environment; readonly workers: number },
): Promise<RunningGateway> => {
  const deps = rulesDeps(env)
  const loaded = await loadOrRefuse(config.rules, deps, log)
  let summary = summaryOf(loaded.sites)
  /** What the first of a kind found; whoever comes later listens in the same place. */
  let known: Places = {}
  const fronts: Place[] = []
  const all = (): readonly Place[] => [back, ...fronts]
  const rules = createRulesInStep(loaded.text, () => all(), log)

  const counted = new Map<string, Counted>()
  const gone = new Map<string, Counted>()
  const sumOfFronts = (): Counted => [...counted.values(), ...gone.values()].reduce(addCounted, noCounts)
  const showFronts = (): void => {
    const serving = fronts.filter((front) => front.serving).length
    back.send({ kind: 'fronts', news: { counted: sumOfFronts(), serving } })
  }
  const toFronts = (message: ToMember): void => {
    for (const front of fronts) front.send(message)
  }

  const keepBack = (): Place => {
    const exec = moduleOf('./back-process.ts')
    return keepPlace({
      name: 'back',
      log,
      spawn: () => fork(exec),
      begin: () => ({
        config: {
          ...config,
          ...(config.admin === undefined
            ? {}
            : { admin: { ...config.admin, listen: known.adminListen ?? config.admin.listen } }),
        },
        rules: rules.current,
      }),
      hear: ({ kind }) => {
        if (kind === 'settings') toFronts({ kind: 'settings' })
      },
      onReady: (places) => {
        known = { ...known, ...places }
        rules.bringUp(back)
        showFronts()
      },
      onGone: () => {},
    })
  }

  const keepFront = (name: string): Place => {
    const hear = (message: FromMember): void => {
      if (message.kind === 'wake') back.send(message)
      else if (message.kind === 'counts' && message.counted !== null) counted.set(name, message.counted)
    }
    const place = keepPlace({
      name,
      log,
      spawn: () => cluster.fork().process,
      begin: () => ({
        config: {
          ...config,
          ...shareOf(config.connectionsPerAddress, workers),
          ...listen,
        },
        rules: rules.current,
      }),
      hear,
      onReady: (places) => {
        known = { ...known, ...places }
        rules.bringUp(place)
        showFronts()
      },
      onGone: () => {
        const last = counted.get(name)
        counted.delete(name)
        if (last !== undefined) gone.set(name, addCounted(gone.get(name) ?? noCounts, countedWhenGone(last)))
        showFronts()
      },
    })
    return place
  }

  const stopAll = async (deadlineMs: number): Promise<boolean> => {
    const startedAt = performance.now()
    back.send({ kind: 'leaving' })
    // From the visitor inwards: what the fronts have accepted, the back may still deliver.
    const well = await Promise.all(fronts.map((front) => front.stop(deadlineMs)))
    const leftMs = Math.max(Math.round(deadlineMs - (performance.now() - startedAt)), 0)
    return (await back.stop(leftMs)) && !well.includes(false)
  }

  const listen = {
    listen: await placeOf(config.listen),
    ...(config.tlsListen === undefined ? {} : { tlsListen: await placeOf(config.tlsListen) }),
  }
  // First the back: it makes the store what the fronts expect, and takes up what the last run had begun.
  const back = keepBack()
  try {
    await back.first
    cluster.setupPrimary({ exec: moduleOf('./front-process.ts'), args: [] })
    for (let number = 1; number <= workers; number += 1) fronts.push(keepFront(`front-${number}`))
    await Promise.all(fronts.map(({ first }) => first))
  } catch (error) {
    for (const place of all()) {
      place.first.catch(() => {})
      place.replace()
    }
    await stopAll(0)
    throw error
  }
  const showing = setInterval(showFronts, countsEveryMs).unref()

  const watch = watchRules(config.rules, (text) => parseInThread(text, env), {
    hash: loaded.hash,
    onLoaded: async (fresh) => {
      await rules.putInForce(fresh.text)
      summary = summaryOf(fresh.sites)
      log.info(summary, 'new rules are in force')
    },
    onRefused: (problems) => log.error({ problems }, 'the new rules are refused; the old ones stay in force'),
  })

  return {
    url: known.url ?? '',
    tlsUrl: known.tlsUrl ?? null,
    adminUrl: known.adminUrl ?? null,
    get summary() {
      return summary
    },
    reload: () => void watch.reload(),
    close: async (deadlineMs) => {
      watch.close()
      const well = await stopAll(deadlineMs)
      clearInterval(showing)
      log.info(sumOfFronts(), 'stopped')
      if (!well) throw new Error('a process did not end as it was told to')
    },
  }
}
