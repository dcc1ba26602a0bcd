// Why a rule matched a request, or why not, for `sluice explain`.
import { statusMatches } from './match.ts'
import type { CompiledRule } from './match.ts'
import type { MatchRequest } from './match-request.ts'

export interface Explained {
  /** Such as `path`, `method`, `query status`. */
  readonly condition: string
  readonly held: boolean
  readonly because: string
}

const quoted = (texts: readonly string[]): string => texts.map((text) => `"${text}"`).join(' or ')

const explainPath = ({ wanted, excluded }: CompiledRule, { path }: MatchRequest): Explained => {
  const excluding = excluded.find((pattern) => pattern.matches(path))
  if (excluding !== undefined)
    return { condition: 'path', held: false, because: `"${path}" is excluded by "!${excluding.text}"` }
  const matching = wanted.find((pattern) => pattern.matches(path))
  if (matching !== undefined)
    return { condition: 'path', held: true, because: `"${path}" matches "${matching.text}"` }
  if (wanted.length === 0)
    return {
      condition: 'path',
      held: true,
      because: excluded.length === 0 ? 'any path' : `"${path}" is not excluded`,
    }
  const tooLong = wanted.find((pattern) => path.length > pattern.maxLength)
  const because =
    tooLong === undefined
      ? `"${path}" does not match ${quoted(wanted.map(({ text }) => text))}`
      : `the path has ${path.length} characters, and "${tooLong.text}" is tried on at most ${tooLong.maxLength}`
  return { condition: 'path', held: false, because }
}

/**
 * Every condition of a rule, held or not, in the order: enabled, method, path, the rest, status. Values of cookies and
 * headers are not repeated, for they may be a visitor's; `status` is left out while nobody knows it.
 */
export const explainMatch = (
  rule: CompiledRule,
  request: MatchRequest,
  status?: number,
): readonly Explained[] => {
  const explained: Explained[] = []
  if (rule.rule.enabled === false)
    explained.push({ condition: 'enabled', held: false, because: 'the rule is switched off' })
  explained.push({
    condition: 'method',
    held: rule.methods.includes(request.method),
    because: `asks for ${rule.methods.join(' or ')}, found ${request.method}`,
  })
  explained.push(explainPath(rule, request))
  for (const condition of rule.conditions) {
    const values = condition.read(request)
    const shown = condition.personal ? 'a value' : quoted(values)
    explained.push({
      condition: condition.name,
      held: condition.holds(request),
      because: `asks for ${condition.wants}, found ${values.length === 0 ? 'none' : shown}`,
    })
  }
  if (status !== undefined) {
    const wanted = rule.statuses === null ? '2xx' : rule.statuses.join(' or ')
    explained.push({
      condition: 'status',
      held: statusMatches(rule, status),
      because: `asks for ${wanted}, found ${status}`,
    })
  }
  return explained
}
