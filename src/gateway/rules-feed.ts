import { compileConfiguration, configurationSteps, type Configuration } from './configuration.ts'
import type { Environment } from '../config.ts'
import { inSlices } from './in-slices.ts'
import type { Log } from '../log.ts'
import { loadOrRefuse, type RulesSource } from './preconditions.ts'
import { rulesDeps } from './rules-deps.ts'
import { parseInThread } from './rules-thread.ts'
import { watchRules } from '../rules-file/watch.ts'

/** Where configurations come from: the first, and each that takes its place. */
export interface RulesFeed {
  readonly first: Configuration
  /** Called with each that is to be in force from now on. Set once, by whoever holds the one in force. */
  follow(use: (fresh: Configuration) => void): void
  /** Reads the rules again, now. */
  reload(): void
  close(): void
}

/**
 * The rules file as an operator edits it; a document that is no file never changes.
 *
 * @throws ConfigurationError listing every problem.
 */
export const watchedRules = async (
  source: RulesSource,
  { log, env }: { readonly log: Log; readonly env: Environment },
): Promise<RulesFeed> => {
  const deps = rulesDeps(env)
  const loaded = await loadOrRefuse(source, deps, log)
  let use: (fresh: Configuration) => void = () => {}
  let closed = false
  const watch =
    typeof source === 'string'
      ? watchRules(source, (text) => parseInThread(text, env), {
          hash: loaded.hash,
          onLoaded: async ({ sites, acme }) => {
            const fresh = await inSlices(configurationSteps(sites, acme))
            if (closed) return
            use(fresh)
            log.info(fresh.summary, 'new rules are in force')
          },
          onRefused: (problems) =>
            log.error({ problems }, 'the new rules are refused; the old ones stay in force'),
        })
      : null
  return {
    first: compileConfiguration(loaded.sites, loaded.acme),
    follow: (listener) => {
      use = listener
    },
    reload: () => void watch?.reload(),
    close: () => {
      closed = true
      watch?.close()
    },
  }
}
