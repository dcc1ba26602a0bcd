// An integration's `config`: its secrets fetched, its form checked by the platform's own schema.
import { secretReferenceSchema } from '../sites/integration.ts'
import { isSecretReference } from '../sites/secrets.ts'
import type { ResolvedSecret, SecretReference } from '../sites/secrets.ts'
import { explainIssues } from './explain-issues.ts'
import type { Explanation } from './explain-issues.ts'
import { jsonSchemaOf } from './known-keys.ts'
import type { JsonSchema } from './known-keys.ts'
import type { Path } from './problem.ts'
import type { Platforms } from './schema.ts'

export type ResolveSecret = (reference: SecretReference) => ResolvedSecret

/** By any name users write for it, in any case; `null` when there is none. */
export const platformOf = (platforms: Platforms, written: string): string | null => {
  const name = written.trim().toLowerCase()
  if (Object.hasOwn(platforms, name)) return name
  return Object.entries(platforms).find(([, { aliases }]) => aliases.includes(name))?.[0] ?? null
}

export const platformNames = (platforms: Platforms): readonly string[] =>
  Object.entries(platforms).flatMap(([name, { aliases }]) => [name, ...aliases])

interface Resolved {
  readonly value: unknown
  readonly problems: readonly Explanation[]
}

/** Every `{ "$env" }` and `{ "$file" }`, however deep. What is missing is left `undefined`, and reported once. */
const resolveAll = (value: unknown, path: Path, resolve: ResolveSecret): Resolved => {
  if (Array.isArray(value)) {
    const parts = value.map((part, index) => resolveAll(part, [...path, index], resolve))
    return { value: parts.map((part) => part.value), problems: parts.flatMap(({ problems }) => problems) }
  }
  if (typeof value !== 'object' || value === null) return { value, problems: [] }
  if (isSecretReference(value) && secretReferenceSchema.safeParse(value).success) {
    const found = resolve(value)
    return 'value' in found
      ? { value: found.value, problems: [] }
      : { value: undefined, problems: [{ path, message: found.problem, key: false }] }
  }
  if ('$env' in value || '$file' in value)
    return {
      value: undefined,
      problems: [
        {
          path,
          message: 'a secret is { "$env": "NAME" } or { "$file": "PATH" }, with nothing beside it',
          key: false,
        },
      ],
    }
  const parts = Object.entries(value).map(
    ([name, part]) => [name, resolveAll(part, [...path, name], resolve)] as const,
  )
  return {
    value: Object.fromEntries(parts.map(([name, part]) => [name, part.value])),
    problems: parts.flatMap(([, { problems }]) => problems),
  }
}

export interface CheckedSettings {
  /** Only where nothing is wrong. */
  readonly settings: unknown
  /** Paths begin within `config`. */
  readonly problems: readonly Explanation[]
}

const begins = (path: Path, start: Path): boolean => start.every((part, index) => path[index] === part)

export type CheckSettings = (platform: string, config: unknown) => CheckedSettings

/** `platform` is a platform's own name, as {@link platformOf} gives it. */
export const settingsChecker = (platforms: Platforms, resolve: ResolveSecret): CheckSettings => {
  const jsonSchemas = new Map<string, JsonSchema>()
  return (platform, config) => {
    const schema = platforms[platform]?.settings
    if (schema === undefined) return { settings: null, problems: [] }
    const resolved = resolveAll(config, [], resolve)
    const parsed = schema.safeParse(resolved.value)
    if (parsed.success && resolved.problems.length === 0) return { settings: parsed.data, problems: [] }
    const form = jsonSchemas.get(platform) ?? jsonSchemaOf(schema)
    jsonSchemas.set(platform, form)
    const absent = resolved.problems.map(({ path }) => path)
    // A secret that is not there has one problem, not two; and what spans several fields cannot be judged without it.
    const issues = (parsed.error?.issues ?? []).filter(({ code, path }) => {
      if (absent.some((start) => begins(path as Path, start))) return false
      return code !== 'custom' || absent.length === 0
    })
    const explained = explainIssues(issues, [], { value: resolved.value, schema: form, quiet: true })
    return { settings: null, problems: [...resolved.problems, ...explained] }
  }
}
