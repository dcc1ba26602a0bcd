import { ConfigurationError, type Config } from '../config.ts'
import type { Log } from '../log.ts'
import { loadRules, type Loaded, type Problems, type RulesDeps } from '../rules-file/load.ts'
import { parseRules } from '../rules-file/parse.ts'
import { formatProblems } from '../rules-file/problem.ts'
import { createSealer, type Sealer } from '../sites/secrets.ts'
import { openSqliteStore, type SqliteStore } from '../store/sqlite/index.ts'
import { StoreError, type StoreNews } from '../store/store.ts'

/** What must hold before anything runs; each says in words what is wrong, as a ConfigurationError. */

/** A path, or the document itself: a program that embeds us may have no file. */
export type RulesSource = string | object

const read = async (source: RulesSource, deps: RulesDeps): Promise<Loaded | Problems> =>
  typeof source === 'string' ? loadRules(source, deps) : parseRules(JSON.stringify(source, null, 2), deps)

/** @throws ConfigurationError listing every problem of the rules. */
export const loadOrRefuse = async (source: RulesSource, deps: RulesDeps, log: Log): Promise<Loaded> => {
  const name = typeof source === 'string' ? source : 'rules'
  const loaded = await read(source, deps)
  if (!loaded.ok) throw new ConfigurationError(formatProblems(name, loaded.problems).trimEnd())
  for (const { line, path, message } of loaded.warnings) log.warn({ rules: name, line, path }, message)
  return loaded
}

/** `null` without keys: then nothing can be sealed. */
export const sealerOf = (keys: readonly string[]): Sealer | null => {
  if (keys.length === 0) return null
  try {
    return createSealer(keys)
  } catch (error) {
    throw new ConfigurationError(
      `SLUICE_SECRET_KEY: ${String(error instanceof Error ? error.message : error)}`,
      { cause: error },
    )
  }
}

export const openStore = async (
  { path }: Config['store'],
  onEvent: (news: StoreNews) => void,
): Promise<SqliteStore> => {
  try {
    return await openSqliteStore({ path, onEvent })
  } catch (error) {
    if (error instanceof StoreError) throw new ConfigurationError(`store: ${error.message}`, { cause: error })
    throw error
  }
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there already',
  EACCES: 'this user may not listen there; ports below 1024 need a privilege',
  EADDRNOTAVAIL: 'this machine has no such address',
}

/** Why a listener could not begin, in words. */
export const listenProblem = ({ host, port }: Config['listen'], error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const shown = host.includes(':') ? `[${host}]` : host
  return `cannot listen on ${shown}:${port}: ${listenReasons[code] ?? code}`
}
