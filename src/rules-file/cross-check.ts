// What no schema of one part can see: names given twice, targets that lead nowhere, patterns that cannot be read.
import { listOf, valueProblem } from '../capture/match-conditions.ts'
import { compilePattern, patternProblem } from '../capture/match-pattern.ts'
import { regexProblem, selectorProblem } from '../capture/page/dom-ask.ts'
import type { Action, Rule, Source } from '../capture/rules.ts'
import { flagProblem } from '../sites/flag.ts'
import { suggestion } from './nearest.ts'
import type { SiteOutline } from './outline.ts'
import type { Path } from './problem.ts'
import type { Platforms } from './schema.ts'
import { platformNames, platformOf } from './settings.ts'

export type Report = (path: Path, message: string, severity?: 'error' | 'warning') => void

const reportTwice = (
  things: readonly { readonly path: Path; readonly id: string | null }[],
  what: string,
  report: Report,
): void => {
  const seen = new Set<string>()
  for (const { path, id } of things) {
    if (id === null) continue
    if (seen.has(id)) report([...path, 'id'], `the ${what} id "${id}" is given twice`)
    seen.add(id)
  }
}

const checkHosts = (sites: readonly SiteOutline[], report: Report): void => {
  const owners = new Map<string, SiteOutline>()
  for (const site of sites) {
    for (const { path, host } of site.hosts) {
      const owner = owners.get(host)
      if (owner === undefined) owners.set(host, site)
      else if (owner === site) report(path, `the host "${host}" is given twice`)
      else
        report(path, `the host "${host}" belongs to the site "${owner.id ?? String(owner.path[1])}" already`)
    }
  }
}

/** A wildcard is proven in the DNS only, where this gateway writes nothing (RFC 8555 section 8.4). */
const checkAcme = ({ tls, hosts }: SiteOutline, report: Report): void => {
  if (tls !== 'acme') return
  for (const { path, host } of hosts)
    if (host.startsWith('*') || host.startsWith('['))
      report(
        path,
        `no certificate can be issued for "${host}": name each host, or give "tls" a cert and a key`,
      )
}

/** A browser drops a cookie for a domain that the page's host is not part of. Of `*` nobody can tell. */
const checkCookieDomain = ({ cookieDomain, hosts, path }: SiteOutline, report: Report): void => {
  if (cookieDomain === null) return
  for (const { host } of hosts) {
    const name = host.replace(/^\*\./, '')
    if (name !== '*' && name !== cookieDomain && !name.endsWith(`.${cookieDomain}`))
      report(
        [...path, 'identity', 'cookieDomain'],
        `a page of "${host}" can set no cookies for "${cookieDomain}", which it does not lie below`,
      )
  }
}

const checkMatch = (match: Rule['match'], path: Path, report: Report): void => {
  const each = (
    name: 'path' | 'host',
    value: string | readonly string[] | undefined,
    problemOf: (glob: string) => string | null,
  ): void => {
    for (const [index, glob] of listOf<string>(value ?? []).entries()) {
      const problem = problemOf(glob)
      const place = typeof value === 'string' ? [] : [index]
      if (problem !== null) report([...path, name, ...place], `"${glob}" is no pattern: ${problem}`)
    }
  }
  each('path', match.path, patternProblem)
  each('host', match.host, valueProblem)
  for (const name of ['query', 'cookie', 'header'] as const) {
    for (const [key, glob] of Object.entries(match[name] ?? {})) {
      const problem = glob === null ? null : valueProblem(glob)
      if (problem !== null) report([...path, name, key], `"${glob}" is no pattern: ${problem}`)
    }
  }
  const problem = typeof match.referrer === 'string' ? valueProblem(match.referrer) : null
  if (problem !== null) report([...path, 'referrer'], `"${match.referrer}" is no pattern: ${problem}`)
}

/** Names that the rule's patterns capture; `null` where a pattern is broken and nobody can tell. */
const capturedBy = (match: Rule['match']): readonly string[] | null => {
  const patterns = listOf<string>(match.path ?? [])
  if (patterns.some((pattern) => patternProblem(pattern) !== null)) return null
  return patterns.map(compilePattern).flatMap(({ excludes, params }) => (excludes ? [] : params))
}

const checkSource = (
  source: Source,
  path: Path,
  captured: readonly string[] | null,
  report: Report,
): void => {
  if ('selector' in source) {
    const problem = selectorProblem(source.selector)
    if (problem !== null) report([...path, 'selector'], `"${source.selector}" is no CSS selector: ${problem}`)
  } else if ('regex' in source) {
    const problem = regexProblem(source.regex, source.flags)
    if (problem !== null) report([...path, 'regex'], `"${source.regex}" is no regular expression: ${problem}`)
  } else if ('param' in source && captured !== null && !captured.includes(source.param)) {
    report(
      [...path, 'param'],
      `no path of this rule captures ":${source.param}"${suggestion(source.param, captured)}`,
    )
  }
}

const checkWhenDenied = (
  { path, platform, whenDenied }: SiteOutline['integrations'][number],
  platforms: Platforms,
  report: Report,
): void => {
  const name = platform === null || whenDenied !== 'flag' ? null : platformOf(platforms, platform)
  const problem = name === null ? null : flagProblem(name, platforms)
  if (problem !== null) report([...path, 'consent', 'whenDenied'], problem)
}

const checkTargets = (
  action: Action,
  path: Path,
  site: SiteOutline,
  platforms: Platforms,
  report: Report,
): void => {
  const ids = site.integrations.flatMap(({ id }) => (id === null ? [] : [id]))
  const used = site.integrations.flatMap(({ platform }) => (platform === null ? [] : [platform]))
  const usedNames = new Set(used.map((name) => platformOf(platforms, name) ?? name))
  for (const [index, target] of (action.targets ?? []).entries()) {
    if (ids.includes(target)) continue
    const platform = platformOf(platforms, target)
    if (platform !== null && usedNames.has(platform)) continue
    if (platform === null)
      report(
        [...path, 'targets', index],
        `"${target}" is neither an integration of this site nor a platform${suggestion(target, [
          ...ids,
          ...platformNames(platforms),
        ])}`,
      )
    else
      report(
        [...path, 'targets', index],
        `this file declares no ${target} integration for this site; nothing is sent until one is made through the API`,
        'warning',
      )
  }
}

/** Reports each problem at its place. */
export const crossCheck = (sites: readonly SiteOutline[], platforms: Platforms, report: Report): void => {
  reportTwice(sites, 'site', report)
  checkHosts(sites, report)
  for (const site of sites) {
    checkAcme(site, report)
    checkCookieDomain(site, report)
    reportTwice(site.rules, 'rule', report)
    reportTwice(site.integrations, 'integration', report)
    for (const integration of site.integrations) {
      const { path, platform } = integration
      checkWhenDenied(integration, platforms, report)
      if (platform !== null && platformOf(platforms, platform) === null)
        report(
          [...path, 'platform'],
          `there is no platform "${platform}"${suggestion(platform, platformNames(platforms))}`,
        )
    }
    for (const { path, match, actions } of site.rules) {
      if (match !== null) checkMatch(match, [...path, 'match'], report)
      const captured = match === null ? null : capturedBy(match)
      for (const [place, action] of actions.entries()) {
        if (action === null) continue
        const here = [...path, 'actions', place]
        checkTargets(action, here, site, platforms, report)
        for (const [name, given] of Object.entries(action.extract ?? {})) {
          for (const [index, source] of listOf<Source>(given ?? []).entries())
            checkSource(
              source,
              [...here, 'extract', name, ...(Array.isArray(given) ? [index] : [])],
              captured,
              report,
            )
        }
      }
    }
  }
}
