import type { AnyDestination } from '../destinations/destination.ts'
import { showPath } from '../rules-file/problem.ts'
import { settingsChecker } from '../rules-file/settings.ts'

/** What is wrong with an integration's config, in the sentences of the rules file. */

export interface ConfigIssue {
  readonly path: string
  readonly message: string
}

type Path = Parameters<typeof showPath>[0]

export const explainedPath = (path: Path): string => showPath(['config', ...path])

/**
 * References to the environment and to files are for the rules file, which only the operator writes: through the API the
 * holder of a site's key could name any variable or file of the gateway, and have it sent to an address of their own.
 */
const noReference = {
  problem:
    'a reference to the environment or to a file can stand in the rules file only; here give the secret itself',
} as const

/** Never repeats a value: it may be a secret. */
export const checkConfig = (destination: AnyDestination, config: unknown): readonly ConfigIssue[] => {
  const { name, aliases, settings } = destination
  const check = settingsChecker({ [name]: { aliases, settings } }, () => noReference)
  return check(name, config).problems.map(({ path, message }) => ({ path: explainedPath(path), message }))
}
