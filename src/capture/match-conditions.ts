// The conditions of a rule other than its path, compiled in the order of their price.
import { compileValue } from './match-glob.ts'
import type { ValueGlob } from './match-glob.ts'
import type { MatchRequest } from './match-request.ts'
import type { Rule } from './rules.ts'

type Match = Rule['match']

export interface Condition {
  /** Such as `method`, `query status`, `cookie plan`. */
  readonly name: string
  /** In words: what is asked for. */
  readonly wants: string
  /** In an index: the text that one of `read`'s answers must equal, where the condition asks for exactly one. */
  readonly literal: string | null
  read(request: MatchRequest): readonly string[]
  holds(request: MatchRequest): boolean
  /** Values must not be shown: they may be a visitor's. */
  readonly personal: boolean
}

export const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T]

export const methodsOf = (match: Match): readonly string[] => listOf(match.method ?? 'GET')

/** `"*"` asks only that there be one; `null` that there be none. A name sent twice holds when one of its values does. */
const valueCondition = (
  name: string,
  glob: string | null,
  read: Condition['read'],
  personal: boolean,
): Condition => {
  const common = { name, read, personal, literal: null }
  if (glob === null) return { ...common, wants: 'absence', holds: (request) => read(request).length === 0 }
  if (glob === '*') return { ...common, wants: 'presence', holds: (request) => read(request).length > 0 }
  const compiled = compileValue(glob)
  return {
    ...common,
    wants: `"${glob}"`,
    literal: compiled.literal,
    holds: (request) => read(request).some((value) => compiled.matches(value)),
  }
}

const hostCondition = (globs: readonly string[]): Condition => {
  const compiled = globs.map((glob) => compileValue(glob.toLowerCase()))
  const wanted = compiled.filter(({ glob }) => !glob.startsWith('!'))
  const unwanted = compiled.filter(({ glob }) => glob.startsWith('!'))
  const some = (list: readonly ValueGlob[], host: string): boolean => list.some((glob) => glob.matches(host))
  return {
    name: 'host',
    wants: globs.map((glob) => `"${glob}"`).join(' or '),
    literal: compiled.length === 1 ? (compiled[0]?.literal ?? null) : null,
    read: (request) => [request.host],
    holds: ({ host }) =>
      (wanted.length === 0 || some(wanted, host)) && unwanted.every((glob) => glob.matches(host)),
    personal: false,
  }
}

const entries = (globs: Match['query']): [string, string | null][] => Object.entries(globs ?? {})

/** Throws a sentence where a glob is broken; `valueProblem` finds those before. */
export const compileConditions = (match: Match): readonly Condition[] => {
  const conditions: Condition[] = []
  if (match.host !== undefined) conditions.push(hostCondition(listOf(match.host)))
  for (const [name, glob] of entries(match.query))
    conditions.push(valueCondition(`query ${name}`, glob, (request) => request.query(name), false))
  if (match.referrer !== undefined) {
    const read = (request: MatchRequest): readonly string[] => {
      const referrer = request.referrer()
      return referrer === null ? [] : [referrer]
    }
    conditions.push(valueCondition('referrer', match.referrer, read, false))
  }
  for (const [name, glob] of entries(match.header)) {
    const lower = name.toLowerCase()
    conditions.push(valueCondition(`header ${name}`, glob, (request) => request.header(lower), true))
  }
  for (const [name, glob] of entries(match.cookie))
    conditions.push(valueCondition(`cookie ${name}`, glob, (request) => request.cookie(name), true))
  return conditions
}

/** What is wrong with the glob of a value, in words; `null` when nothing is. */
export const valueProblem = (glob: string): string | null => {
  try {
    compileValue(glob)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
