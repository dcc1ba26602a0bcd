// Rules that are well formed and can never fire, or can hardly be meant as they stand. All matching rules fire, so none
// is hidden by another.
import { compileMatcher, compileRule } from '../capture/match.ts'
import type { CompiledRule, Matcher } from '../capture/match.ts'
import { listOf } from '../capture/match-conditions.ts'
import { parsePlain } from '../capture/match-glob.ts'
import type { PathPattern } from '../capture/match-pattern.ts'
import { normalPath } from '../capture/request-path.ts'
import type { Rule, SiteTraffic } from '../capture/rules.ts'
import { canonicalName, isStandardName, standardNames } from '../event/names.ts'
import type { Report } from './cross-check.ts'
import { nearest } from './nearest.ts'
import type { Path } from './problem.ts'
import type { LoadedSite, Platforms } from './schema.ts'
import { platformOf } from './settings.ts'

interface Reporting {
  readonly platforms: Platforms
  readonly report: Report
}

const pageMethods = ['GET', 'POST']

/** Without the usual redirect nothing but status and content tell an order from a mistake in a form. */
const mayBeFormAgain = ({ match, navigation, actions }: Rule, methods: readonly string[]): boolean =>
  methods.includes('POST') &&
  navigation !== false &&
  match.status === undefined &&
  actions.some(({ require }) => require === undefined)

const warnMethods = (rule: Rule, path: Path, report: Report): void => {
  const methods = listOf<string>(rule.match.method ?? 'GET')
  const warn = (message: string): void => report([...path, 'match', 'method'], message, 'warning')
  if (methods.every((method) => method === 'HEAD')) warn('never fires: the answer to a HEAD has no page')
  else if (rule.navigation !== false && !methods.some((method) => pageMethods.includes(method)))
    warn('never fires: a page is opened by GET or POST; for requests of scripts set "navigation": false')
  else if (mayBeFormAgain(rule, methods))
    warn(
      'a page that answers a POST may be the form again, with errors: tell success by "status" or "require"',
    )
}

/** What people write when they think of an address rather than of its path. */
const oddPath = (written: string): string | null => {
  const text = written.replace(/^!/, '')
  if (/^https?:/.test(text)) return 'a path begins with "/": scheme and host do not belong here'
  if (/\?[^/]*=/.test(text)) return 'the query is no part of the path: use "query" for it'
  if (text.includes('#')) return 'what stands behind a "#" is never sent to a server'
  if (text === '*') return '"*" matches only "/"; every path is "/**"'
  if (/^[\w.:-]/.test(text)) return `never matches, for a path begins with "/": write "/${text}"`
  const plain = parsePlain(text)
  if (plain?.literal != null && /\/\/|\/\.{1,2}(?:\/|$)/.test(plain.literal))
    return `never matches: in normal form this path is "${normalPath(plain.literal) ?? '/'}"`
  const within = /(?<=\/)[^/]+:[A-Za-z_]\w*/.exec(text)?.[0]
  if (within !== undefined)
    return `":" is taken literally in "${within}"; a name captures a whole segment, as in "/:name/"`
  return null
}

const covers = (excluding: PathPattern, wanted: PathPattern): boolean => {
  if (excluding.glob === wanted.glob || /^(?:\/?\*\*|\*\*\/\*)$/.test(excluding.glob)) return true
  const literal = parsePlain(wanted.glob)?.literal
  return literal != null && excluding.matches(literal)
}

const warnPaths = (compiled: CompiledRule, path: Path, report: Report): void => {
  const { rule, wanted, excluded } = compiled
  const here = [...path, 'match', 'path']
  for (const [index, written] of listOf<string>(rule.match.path ?? []).entries()) {
    const odd = oddPath(written)
    if (odd !== null) report(typeof rule.match.path === 'string' ? here : [...here, index], odd, 'warning')
  }
  const all = wanted.length === 0 ? excluded.some(({ glob }) => /^(?:\/?\*\*|\*\*\/\*)$/.test(glob)) : false
  const none = wanted.length > 0 && wanted.every((one) => excluded.some((other) => covers(other, one)))
  if (all || none) report(here, 'never fires: everything it asks for is excluded', 'warning')
  for (const { text, maxLength } of [...wanted, ...excluded])
    if (maxLength < 2048)
      report(
        here,
        `"${text}" is tried only on paths of up to ${maxLength} characters, for it has many wildcards`,
        'warning',
      )
}

/** Can a request for one of the site's hosts bear a name that the glob matches? When in doubt, yes. */
const hostPossible = (glob: string, site: SiteTraffic, matcher: Matcher): boolean => {
  if (glob.startsWith('!')) return true
  const plain = parsePlain(glob.toLowerCase())
  if (plain === null) return true
  if (plain.literal !== null) return matcher.site(plain.literal)?.site === site
  return site.hosts.some((host) => {
    if (host === '*') return true
    const end = host.replace(/^\*/, '')
    if (host.startsWith('*')) return end.endsWith(plain.suffix) || plain.suffix.endsWith(end)
    return host.startsWith(plain.prefix) && host.endsWith(plain.suffix)
  })
}

const warnHosts = (rule: Rule, path: Path, site: SiteTraffic, matcher: Matcher, report: Report): void => {
  const globs = listOf<string>(rule.match.host ?? [])
  if (globs.length > 0 && !globs.some((glob) => hostPossible(glob, site, matcher)))
    report(
      [...path, 'match', 'host'],
      `never fires: no host of this site matches (${site.hosts.join(', ')})`,
      'warning',
    )
}

const warnStatus = (rule: Rule, path: Path, report: Report): void => {
  if (rule.match.status === undefined) return
  // Whoever asks for answers that are no page knows that there is none.
  if (rule.navigation === false) return
  const statuses = listOf<number>(rule.match.status)
  const complete = statuses.filter((status) => status >= 200 && status !== 206 && status !== 204)
  const isSent = listOf<string>(rule.match.method ?? 'GET').includes('POST')
  if (complete.length === 0)
    report(
      [...path, 'match', 'status'],
      'never fires: an answer of this status is no complete page',
      'warning',
    )
  // Many shops answer an order with a redirect to a page elsewhere.
  else if (complete.every((status) => (isSent ? status >= 400 : status >= 300 && status !== 304)))
    report(
      [...path, 'match', 'status'],
      'only redirects and errors: such an answer is no page that a visitor came to see',
      'warning',
    )
}

const warnActions = (
  rule: Rule,
  path: Path,
  site: LoadedSite,
  platforms: Platforms,
  report: Report,
): void => {
  for (const [index, { targets, eventType }] of rule.actions.entries()) {
    const here = [...path, 'actions', index]
    const type = canonicalName(eventType)
    const meant = isStandardName(type) ? null : nearest(type, standardNames)
    if (meant !== null)
      report([...here, 'eventType'], `"${eventType}" is a custom event; did you mean "${meant}"?`, 'warning')
    const meantBy = (target: string): LoadedSite['integrations'] =>
      site.integrations.filter(
        ({ declaration, platform }) =>
          declaration.id === target || platform === platformOf(platforms, target),
      )
    const receivers = targets === undefined ? site.integrations : targets.flatMap(meantBy)
    if (receivers.length > 0 && receivers.every(({ declaration }) => declaration.status === 'paused'))
      report(
        targets === undefined ? here : [...here, 'targets'],
        'nothing is sent: every integration it goes to is paused',
        'warning',
      )
  }
}

/** A form that no visitor of this integration can ever be sent in. */
const warnFlag = (
  { declaration: { consent }, platform }: LoadedSite['integrations'][number],
  path: Path,
  { traffic: { defaultCountry }, platforms, report }: { readonly traffic: SiteTraffic } & Reporting,
): void => {
  const known = platforms[platform]
  const form = consent?.whenDenied === 'flag' ? known?.flagged : undefined
  if (known === undefined || form === undefined) return
  const warn = (message: string): void => report([...path, 'consent', 'whenDenied'], message, 'warning')
  const category = consent?.category ?? known.consent
  if (form.needs !== undefined && form.needs === category)
    warn(
      `never has an effect: ${platform} takes nothing without ${form.needs}, which is what is asked for here; with another "category", such as "marketing", a refusal of that is flagged`,
    )
  if (form.country !== undefined && defaultCountry !== undefined && defaultCountry !== form.country)
    warn(
      `${form.title} is for people in ${form.country}, and the defaultCountry of this site is ${defaultCountry}: only who is known to be in ${form.country} is sent so`,
    )
}

/** Reports each doubt at its place. The sites must be free of problems. */
export const warnings = (sites: readonly LoadedSite[], platforms: Platforms, report: Report): void => {
  const matcher = compileMatcher(sites.map(({ traffic }) => traffic))
  for (const [place, site] of sites.entries()) {
    const { traffic, integrations } = site
    if (integrations.length === 0 && traffic.rules.length > 0)
      report(
        ['sites', place],
        'no integration is declared here: events stay in the journal until one is made through the API',
        'warning',
      )
    for (const [index, integration] of integrations.entries())
      warnFlag(integration, ['sites', place, 'integrations', index], { traffic, platforms, report })
    for (const [index, rule] of traffic.rules.entries()) {
      const path = ['sites', place, 'rules', index]
      if (rule.enabled === false) {
        report([...path, 'enabled'], `the rule "${rule.id}" is switched off`, 'warning')
        continue
      }
      warnMethods(rule, path, report)
      warnPaths(compileRule(rule, index), path, report)
      warnHosts(rule, path, traffic, matcher, report)
      warnStatus(rule, path, report)
      warnActions(rule, path, site, platforms, report)
    }
  }
}
