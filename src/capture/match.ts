// Request to the rules that may fire. Compiled once per set of rules; asked once per request, so that nearly always the
// answer "none" is nearly free.
import { compileConditions, listOf, methodsOf } from './match-conditions.ts'
import type { Condition } from './match-conditions.ts'
import { pathIndexSteps } from './match-index.ts'
import type { Hit } from './match-index.ts'
import { compilePattern } from './match-pattern.ts'
import type { Params, PathPattern } from './match-pattern.ts'
import type { MatchRequest } from './match-request.ts'
import { createHostIndex } from './hosts.ts'
import type { Rule, SiteTraffic } from './rules.ts'
import { inOneGo, perStep } from './steps.ts'
import type { Steps } from './steps.ts'

export interface CompiledRule {
  readonly rule: Rule
  /** Its place in the file; all rules that match fire, in this order. */
  readonly index: number
  readonly methods: readonly string[]
  readonly wanted: readonly PathPattern[]
  readonly excluded: readonly PathPattern[]
  readonly conditions: readonly Condition[]
  /** `null`: any 2xx. */
  readonly statuses: readonly number[] | null
}

export interface Candidate {
  readonly rule: CompiledRule
  /** What `:name` captured, percent-decoded. An object without prototype. */
  readonly params: Params
}

export interface CompiledSite {
  readonly site: SiteTraffic
  /** Every rule that is not disabled, in the file's order. */
  readonly rules: readonly CompiledRule[]
  /** The rules whose request side holds, in the file's order. */
  candidates(request: MatchRequest): readonly Candidate[]
}

export interface Matcher {
  readonly sites: readonly CompiledSite[]
  /** Of a `Host` header or a name: the exact host, else the longest wildcard, else `*`; `null` is a 421. */
  site(host: string): CompiledSite | null
}

const none: readonly never[] = Object.freeze([])
const noParams: Params = Object.freeze(Object.create(null) as Record<string, string>)

/** Throws a sentence where a pattern is broken; the check of the rules file finds those before. */
export const compileRule = (rule: Rule, index: number): CompiledRule => {
  const patterns = listOf<string>(rule.match.path ?? []).map(compilePattern)
  return {
    rule,
    index,
    methods: methodsOf(rule.match),
    wanted: patterns.filter(({ excludes }) => !excludes),
    excluded: patterns.filter(({ excludes }) => excludes),
    conditions: compileConditions(rule.match),
    statuses: rule.match.status === undefined ? null : listOf<number>(rule.match.status),
  }
}

/** A 304 stands for the 200 it confirms. */
export const statusMatches = (rule: CompiledRule, status: number): boolean => {
  const shown = status === 304 ? 200 : status
  if (rule.statuses === null) return shown >= 200 && shown < 300
  return rule.statuses.includes(shown) || rule.statuses.includes(status)
}

function* siteSteps(site: SiteTraffic): Steps<CompiledSite> {
  const rules: CompiledRule[] = []
  const hits: Hit<CompiledRule>[] = []
  for (const [place, written] of site.rules.entries()) {
    if (place % perStep === 0) yield
    const rule = compileRule(written, place)
    if (written.enabled === false) continue
    rules.push(rule)
    if (rule.wanted.length === 0) hits.push({ rule, pattern: null, order: 0 })
    for (const [order, pattern] of rule.wanted.entries()) hits.push({ rule, pattern, order })
  }
  const index = yield* pathIndexSteps(hits)
  const methods = new Set(rules.flatMap((rule) => rule.methods))

  const holds = ({ rule }: Hit<CompiledRule>, request: MatchRequest): boolean =>
    rule.methods.includes(request.method) &&
    rule.excluded.every((pattern) => !pattern.matches(request.path)) &&
    rule.conditions.every((condition) => condition.holds(request))

  return {
    site,
    rules,
    candidates: (request) => {
      if (!methods.has(request.method)) return none
      let hits: Hit<CompiledRule>[] | null = null
      index.find(request, (hit) => {
        hits ??= []
        hits.push(hit)
      })
      // The compiler cannot see the callback's assignment.
      const found = hits as Hit<CompiledRule>[] | null
      if (found === null) return none
      const ordered = found.sort((a, b) => a.rule.index - b.rule.index || a.order - b.order)
      return ordered
        .filter((hit, place) => ordered[place - 1]?.rule !== hit.rule && holds(hit, request))
        .map(({ rule, pattern }) => ({
          rule,
          params: pattern === null || pattern.params.length === 0 ? noParams : pattern.capture(request.path),
        }))
    },
  }
}

/** Throws where a pattern is broken, or where two sites claim one host. */
export function* matcherSteps(sites: readonly SiteTraffic[]): Steps<Matcher> {
  const compiled: CompiledSite[] = []
  for (const site of sites) compiled.push(yield* siteSteps(site))
  const hosts = createHostIndex(compiled.map((value) => ({ hosts: value.site.hosts, value })))
  return { sites: compiled, site: hosts.find }
}

/** {@link matcherSteps} in one go. */
export const compileMatcher = (sites: readonly SiteTraffic[]): Matcher => inOneGo(matcherSteps(sites))
