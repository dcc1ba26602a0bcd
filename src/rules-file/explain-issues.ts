// What zod found, in words for the one who wrote the file: what is there, what is right, and which of several forms was
// most likely meant.
import type { z } from 'zod'
import { keysAt } from './known-keys.ts'
import type { JsonSchema } from './known-keys.ts'
import { distance, nearest, suggestion } from './nearest.ts'
import type { Path } from './problem.ts'

type Issue = z.core.$ZodIssue

export interface Explanation {
  readonly path: Path
  readonly message: string
  /** Point at the key, not at its value. */
  readonly key: boolean
}

export interface Explained {
  readonly value: unknown
  readonly schema: JsonSchema
  /** Values may be secrets: say only of what kind they are. */
  readonly quiet: boolean
}

const at = (value: unknown, path: Path): unknown => {
  let found = value
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined
    found = (found as Record<string | number, unknown>)[part]
  }
  return found
}

const longestShown = 60

const kindOf = (value: unknown, quiet: boolean): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string')
    return quiet ? 'text' : `"${value.length > longestShown ? `${value.slice(0, longestShown)}…` : value}"`
  if (typeof value === 'number') return quiet ? 'a number' : `the number ${value}`
  return typeof value === 'boolean' ? String(value) : 'nothing'
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

const wordOf = (expected: string): string => typeWords[expected] ?? expected
const either = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
const quoted = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value))

/** Of one possible value there is nothing to guess. */
const guess = (found: unknown, values: readonly unknown[]): string =>
  typeof found === 'string' && values.length > 1 ? suggestion(found, values.map(String)) : ''

/** What the value as a whole should have been, where nothing in it was even looked at; `null` where something was. */
const expectations = (issue: Issue): readonly string[] | null => {
  if (issue.path.length > 0) return null
  if (issue.code === 'invalid_type') return [wordOf(issue.expected)]
  if (issue.code === 'invalid_value') return quoted(issue.values)
  if (issue.code !== 'invalid_union') return null
  const inner = issue.errors.map((branch) => branch.map(expectations).find((words) => words !== null) ?? null)
  return inner.length > 0 && inner.every((words) => words !== null) ? inner.flat() : null
}

/** How far a form is from what was written; the parts that do fit count for it. */
const cost = (issue: Issue, value: unknown): number => {
  if (issue.code === 'invalid_union') {
    if (issue.errors.length === 0) return 3
    const best = Math.min(...issue.errors.map((branch) => branchCost(branch, at(value, issue.path as Path))))
    // Deep within, even a hopeless part is one part among others.
    return issue.path.length === 0 ? best : Math.min(best, 10)
  }
  if (issue.path.length === 0 && issue.code === 'invalid_type') return 100
  // A word where an object stands: nobody meant the word.
  if (issue.path.length === 0 && issue.code === 'invalid_value' && typeof value === 'object') return 100
  if (issue.code === 'unrecognized_keys') return 4 * issue.keys.length
  return at(value, issue.path as Path) === undefined ? 3 : 1
}

const branchCost = (branch: readonly Issue[], value: unknown): number => {
  const unknown = branch.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []))
  const missing = branch.flatMap((issue) =>
    issue.path.length === 1 && at(value, issue.path as Path) === undefined ? [String(issue.path[0])] : [],
  )
  const nearness = unknown.flatMap((key) => missing.map((name) => distance(key, name) / 100))
  return branch.reduce((sum, issue) => sum + cost(issue, value), 0) + Math.min(0.9, ...nearness)
}

const limit = (issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string => {
  const small = issue.code === 'too_small'
  const bound = Number(small ? issue.minimum : issue.maximum)
  if (small && bound === 1 && issue.origin === 'string') return 'must not be empty'
  if (small && bound === 1 && issue.origin === 'array') return 'needs at least one entry'
  const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : ''
  const exclusive = issue.inclusive === false
  if (small) return `must be ${exclusive ? 'more than' : 'at least'} ${bound}${unit}`
  return `must be ${exclusive ? 'less than' : 'at most'} ${bound}${unit}`
}

/** `known` are the keys of every form the object may have, `present` those it has. */
const unknownKey = (name: string, known: readonly string[], present: readonly string[]): string => {
  const beside = present.filter((other) => other !== name && known.includes(other))
  if (known.includes(name))
    return `"${name}" cannot stand here${beside.length === 0 ? '' : ` beside ${either(quoted(beside))}`}`
  const meant = nearest(name, known)
  if (meant !== null && beside.includes(meant)) return `unknown key "${name}"; "${meant}" is given already`
  return `unknown key "${name}"${meant === null ? '' : `; did you mean "${meant}"?`}`
}

/** Where every form lacks only a key: those keys, of which one is needed. */
const oneNeeded = (branches: readonly (readonly Issue[])[], value: unknown): readonly string[] | null => {
  const missing = branches.map((branch) =>
    branch.map(({ path }) =>
      path.length === 1 && at(value, path as Path) === undefined ? String(path[0]) : null,
    ),
  )
  const names = missing.map((found) => (found.length === 1 ? (found[0] ?? null) : null))
  return names.length > 1 && names.every((name) => name !== null) ? names : null
}

const explainOne = (
  issue: Issue,
  base: Path,
  { value, schema, quiet }: Explained,
): readonly Explanation[] => {
  const path = [...base, ...(issue.path as Path)]
  const found = at(value, path)
  const kind = kindOf(found, quiet)
  const said = (message: string): readonly Explanation[] => [{ path, message, key: false }]
  const parent = path.slice(0, -1)
  const last = path.at(-1)

  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path)
    const present = typeof found === 'object' && found !== null ? Object.keys(found) : []
    return issue.keys.map((name) => {
      return { path: [...path, name], message: unknownKey(name, known, present), key: true }
    })
  }
  if (found === undefined && last !== undefined && typeof last === 'string')
    return [{ path: parent, message: `the key "${last}" is missing`, key: false }]

  switch (issue.code) {
    case 'invalid_union': {
      const whole = expectations({ ...issue, path: [] })
      if (whole !== null) return said(`expected ${either([...new Set(whole)])}, found ${kind}`)
      const needed = oneNeeded(issue.errors, found)
      if (needed !== null) return said(`needs one of the keys ${either(quoted(needed))}`)
      const best = issue.errors.toSorted((a, b) => branchCost(a, found) - branchCost(b, found))[0]
      if (best !== undefined) return explainAll(best, path, { value, schema, quiet })
      const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : []
      return said(
        options.length === 0
          ? `found ${kind}, which is none of the forms allowed`
          : `expected ${either(quoted(options))}, found ${kind}${guess(found, options)}`,
      )
    }
    case 'invalid_type':
      return said(`expected ${wordOf(issue.expected)}, found ${kind}`)
    case 'invalid_value': {
      return said(`expected ${either(quoted(issue.values))}, found ${kind}${guess(found, issue.values)}`)
    }
    case 'too_small':
    case 'too_big':
      return said(`${limit(issue)}${typeof found === 'number' && !quiet ? `, found ${found}` : ''}`)
    case 'invalid_format':
      return said(
        `expected ${issue.message.startsWith('Invalid ') ? 'another form' : issue.message}, found ${kind}`,
      )
    case 'invalid_key':
      return explainAll(issue.issues, [], { value: last, schema: {}, quiet: false }).map(({ message }) => ({
        path,
        message: `the key "${String(last)}": ${message}`,
        key: true,
      }))
    case 'custom':
    case 'not_multiple_of':
    case 'invalid_element':
      return said(issue.message)
  }
}

const explainAll = (issues: readonly Issue[], base: Path, explained: Explained): readonly Explanation[] => {
  const all = issues.flatMap((issue) => explainOne(issue, base, explained))
  // A misspelt key is one mistake: that the right one is missing then goes without saying.
  const misspelt = new Set(
    issues.flatMap((issue) => {
      if (issue.code !== 'unrecognized_keys') return []
      const path = [...base, ...(issue.path as Path)]
      return issue.keys.map(
        (name) => `${JSON.stringify(path)} ${nearest(name, keysAt(explained.schema, path)) ?? ''}`,
      )
    }),
  )
  return all.filter(({ path, message }) => {
    const missing = /^the key "(.*)" is missing$/.exec(message)?.[1]
    return missing === undefined || !misspelt.has(`${JSON.stringify(path)} ${missing}`)
  })
}

/** One explanation per mistake; `base` is where the checked value stands within `explained.value`. */
export const explainIssues = (
  issues: readonly Issue[],
  base: Path,
  explained: Explained,
): readonly Explanation[] => explainAll(issues, base, explained)
