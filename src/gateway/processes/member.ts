import type { Counted } from '../../admin/metrics.ts'
import { ConfigurationError, type Environment } from '../../config.ts'
import { parseRules, type Loaded, type Problems } from '../../rules-file/parse.ts'
import { formatProblems } from '../../rules-file/problem.ts'
import { compileConfiguration, configurationSteps, type Configuration } from '../configuration.ts'
import { inSlices } from '../in-slices.ts'
import { rulesDeps } from '../rules-deps.ts'
import type { RulesFeed } from '../rules-feed.ts'
import { parseInThread } from '../rules-thread.ts'
import type { FromMember, Places, RulesText, ToMember } from './messages.ts'

/** What a front and a back have in common as processes: they begin when told to, follow the rules in step, and stop. */

export interface Member {
  /** Where it can be reached; told to the supervisor. */
  readonly places: Places
  /** All that is not the business of every member. */
  hear(message: ToMember): void
  /** `null`: it carries no traffic. */
  counted(): Counted | null
  stop(deadlineMs: number): Promise<void>
}

export type Begin = Extract<ToMember, { kind: 'begin' }>

/** As often a member says what it has counted, and with it that it is alive. */
export const countsEveryMs = 1_000

export type Say = (message: FromMember, said?: () => void) => void

const say: Say = (message, said = () => {}) => {
  // Without a channel there is no supervisor, and then we end as well.
  if (process.connected) process.send?.(message, undefined, undefined, said)
}

const loadedOrRefused = (result: Loaded | Problems): Loaded => {
  if (!result.ok) throw new ConfigurationError(formatProblems('rules', result.problems).trimEnd())
  return result
}

/** While it carries no traffic yet. */
const compile = ({ text }: RulesText, env: Environment): Configuration => {
  const { sites, acme } = loadedOrRefused(parseRules(text, rulesDeps(env)))
  return compileConfiguration(sites, acme)
}

/** The same while pages flow. */
const compileBeside = async ({ text }: RulesText, env: Environment): Promise<Configuration> => {
  const { sites, acme } = loadedOrRefused(await parseInThread(text, env))
  return inSlices(configurationSteps(sites, acme))
}

/** Rules as the supervisor has them: read when it says so, in force when everybody could read them. */
const createToldRules = (first: Configuration, version: number, env: Environment) => {
  let use: (fresh: Configuration) => void = () => {}
  let inForce = version
  let prepared: { readonly version: number; readonly configuration: Configuration } | null = null
  /** One reading at a time, each answered, in the order asked for. */
  let turn = Promise.resolve()
  const feed: RulesFeed = {
    first,
    follow: (listener) => {
      use = listener
    },
    reload: () => {},
    close: () => {},
  }
  const prepare = async (rules: RulesText): Promise<void> => {
    try {
      prepared = { version: rules.version, configuration: await compileBeside(rules, env) }
      say({ kind: 'prepared', version: rules.version, problem: null })
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      say({ kind: 'prepared', version: rules.version, problem })
    }
  }
  return {
    feed,
    get version() {
      return inForce
    },
    prepare: (rules: RulesText): Promise<void> => (turn = turn.then(() => prepare(rules))),
    commit: (version: number): void => {
      if (prepared?.version !== version) return
      inForce = version
      use(prepared.configuration)
      prepared = null
    },
    discard: (): void => {
      prepared = null
    },
  }
}

/**
 * Runs one member until it is told to stop; then the process ends by itself. Signals are the supervisor's: a terminal
 * sends them to every process at once, and an order of its own is kept.
 */
export const runMember = (
  start: (begin: Begin, tools: { readonly rules: RulesFeed; readonly say: Say }) => Promise<Member>,
  env: Environment,
): void => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  // Without a supervisor nobody would ever tell us to stop.
  process.on('disconnect', () => process.exit(1))

  let member: Member | null = null
  let rules: ReturnType<typeof createToldRules> | null = null
  let telling: NodeJS.Timeout | null = null

  const begin = async (message: Begin): Promise<void> => {
    const { version } = message.rules
    rules = createToldRules(compile(message.rules, env), version, env)
    member = await start(message, { rules: rules.feed, say })
    const one = member
    telling = setInterval(() => say({ kind: 'counts', counted: one.counted() }), countsEveryMs)
    say({ kind: 'ready', version: rules.version, places: one.places })
  }

  const stop = async (deadlineMs: number): Promise<void> => {
    await member?.stop(deadlineMs)
    if (telling !== null) clearInterval(telling)
    // After the last word nothing is left to do, whatever may still be open.
    say({ kind: 'counts', counted: member?.counted() ?? null }, () => process.exit(0))
  }

  const hear = async (message: ToMember): Promise<void> => {
    if (message.kind === 'begin') return begin(message)
    if (message.kind === 'stop') return stop(message.deadlineMs)
    if (message.kind === 'prepare') return rules?.prepare(message.rules)
    if (message.kind === 'commit') return rules?.commit(message.version)
    if (message.kind === 'discard') return rules?.discard()
    member?.hear(message)
  }
  process.on('message', (message: ToMember) => {
    hear(message).catch((error: unknown) => {
      if (error instanceof ConfigurationError) {
        say({ kind: 'refused', message: error.message })
        return
      }
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
      process.exit(1)
    })
  })
  say({ kind: 'hello' })
}
