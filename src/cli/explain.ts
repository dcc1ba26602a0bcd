import { readFile } from 'node:fs/promises'
import { assemble, missingFields } from '../capture/assemble.ts'
import type { RequestHead, ResponseHead, SkipReason } from '../capture/capture.ts'
import { canonicalAddress, compileTrust } from '../capture/client-address.ts'
import { headerValue } from '../capture/headers.ts'
import { explainMatch } from '../capture/match-explain.ts'
import type { CompiledRule, CompiledSite } from '../capture/match.ts'
import { readMatchRequest, type MatchRequest } from '../capture/match-request.ts'
import { createCollector, type CollectedPage } from '../capture/page/collect.ts'
import { createDomPool } from '../capture/page/dom-pool.ts'
import { createProductCache } from '../capture/product-cache.ts'
import { qualifyRequest, qualifyResponse } from '../capture/qualify.ts'
import { readingsOf } from '../capture/reading.ts'
import type { SiteTraffic } from '../capture/rules.ts'
import { compileScreen, type Screen } from '../capture/screen.ts'
import { readVisit } from '../capture/visit.ts'
import { ConfigurationError, parseFlags, UsageError } from '../config.ts'
import { compileConfiguration, type Configuration } from '../gateway/configuration.ts'
import { route, type Decision } from '../delivery/route.ts'
import type { CapturedEvent } from '../event/event.ts'
import { loadRules } from '../rules-file/load.ts'
import { formatProblems } from '../rules-file/problem.ts'
import { rulesDeps } from '../gateway/rules-deps.ts'
import { maskRequest } from '../sites/mask.ts'
import { cookiesText } from './explain-cookies.ts'
import {
  consentText,
  deliveryText,
  eventText,
  factsText,
  ruleText,
  skipText,
  visitorText,
  type DeliveryExplained,
  type RuleExplained,
} from './explanation.ts'

/** `sluice explain`: what would happen for an address, and why. Nothing is sent, nothing is stored. */

const usage =
  'usage: sluice explain <url> --rules f [--html page.html] [--cookie "a=b"] [--header "Name: value"] [--method GET] [--status 200] [--answer-header "Name: value"] [--address 203.0.113.7]'

/** A browser's, where the user names none: the dry run is about the rules, not about bots. */
const someBrowser =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'

/** A visitor on the internet has an address, by which a platform may know them; this one is nobody's (RFC 5737). */
const someAddress = '203.0.113.7'
/** What was written by hand counts as if a proxy of the operator's had sent it. */
const proxy = '127.0.0.1'
const trust = compileTrust([proxy], { allowDocumentationRanges: true })

interface Wish {
  readonly url: URL
  readonly rules: string
  readonly html: string | null
  readonly rawHeaders: readonly string[]
  readonly method: string
  readonly status: number
  /** Of the visitor, where no header names another. */
  readonly address: string
  /** The origin's. */
  readonly answerHeaders: readonly string[]
}

const listOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []

const headersOf = (value: unknown, flag: string): readonly string[] =>
  listOf(value).flatMap((text) => {
    const colon = text.indexOf(':')
    if (colon < 1) throw new UsageError(`${flag}: "${text}" is no header; write it as "Name: value"`)
    return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
  })

const readWish = (args: readonly string[]): Wish => {
  const { values, positionals } = parseFlags(args, ['rules', 'html', 'method', 'status', 'address'], {
    multiple: ['cookie', 'header', 'answer-header'],
    positionals: 1,
  })
  const [address] = positionals
  if (address === undefined) throw new UsageError(`an address is missing\n${usage}`)
  const url = URL.parse(address)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`"${address}" is no http:// or https:// address\n${usage}`)
  const status = Number(values['status'] ?? 200)
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new UsageError(`--status: "${String(values['status'])}" is no final HTTP status`)
  const visitor = canonicalAddress(String(values['address'] ?? someAddress))
  if (visitor === null)
    throw new UsageError(
      `--address: "${String(values['address'])}" is no IP address; write one as ${someAddress}`,
    )
  const cookies = listOf(values['cookie'])
  const headers = headersOf(values['header'], '--header')
  const answerHeaders = headersOf(values['answer-header'], '--answer-header')
  return {
    url,
    status,
    address: visitor,
    answerHeaders: [
      ...(headerValue(answerHeaders, 'content-type') === undefined ? ['Content-Type', 'text/html'] : []),
      ...answerHeaders,
    ],
    rules: typeof values['rules'] === 'string' ? values['rules'] : 'rules.json',
    html: typeof values['html'] === 'string' ? values['html'] : null,
    method: typeof values['method'] === 'string' ? values['method'].toUpperCase() : 'GET',
    rawHeaders: [
      'Host',
      url.host,
      ...(headerValue(headers, 'user-agent') === undefined ? ['User-Agent', someBrowser] : []),
      ...(cookies.length === 0 ? [] : ['Cookie', cookies.join('; ')]),
      ...headers,
    ],
  }
}

/** Has the form of the strictest secret we know; wherever it would be shown it is masked like the real one. */
const standIn = `whsec_${Buffer.alloc(32, 'sluice').toString('base64')}`

/** A dry run needs no secrets: something stands in for those that are missing here. */
const loadConfiguration = async (path: string): Promise<Configuration> => {
  const deps = rulesDeps(process.env)
  const missing: string[] = []
  const loaded = await loadRules(path, {
    ...deps,
    resolveSecret: (reference) => {
      const resolved = deps.resolveSecret(reference)
      if ('value' in resolved) return resolved
      missing.push(resolved.problem)
      return { value: standIn }
    },
  })
  if (loaded.ok) return compileConfiguration(loaded.sites)
  const note =
    missing.length === 0
      ? ''
      : `\n${missing.join(', ')}: a stand-in took its place, which may be what is wrong above; set it to any value of the right form`
  throw new ConfigurationError(`${formatProblems(path, loaded.problems).trimEnd()}${note}`)
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
}

const readHtml = async (path: string): Promise<CollectedPage> => {
  const bytes = await readFile(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw new UsageError(`--html: "${path}" cannot be read: ${unreadable[code] ?? code}`)
  })
  const collector = createCollector({ contentEncoding: null })
  collector.push(bytes)
  return collector.finish()
}

/** The request as the last proxy before us would send it on, with the visitor's address in the place where the site looks. */
const throughProxy = (head: RequestHead, { clientIpHeader }: SiteTraffic, address: string): RequestHead => {
  const name = clientIpHeader ?? 'X-Forwarded-For'
  const places = clientIpHeader === undefined ? [name, 'Forwarded'] : [name]
  if (places.some((place) => headerValue(head.rawHeaders, place.toLowerCase()) !== undefined)) return head
  const node = address.includes(':') ? `"[${address}]"` : address
  const value = name.toLowerCase() === 'forwarded' ? `for=${node}` : address
  return { ...head, rawHeaders: [...head.rawHeaders, name, value] }
}

interface Asked {
  readonly request: MatchRequest
  readonly head: RequestHead
  readonly answer: ResponseHead
  readonly screen: Screen
}

const skipOf = ({ rule, statuses }: CompiledRule, { head, answer, screen }: Asked): SkipReason | null =>
  qualifyRequest(head, rule, screen) ??
  qualifyResponse(answer, {
    statuses: statuses ?? undefined,
    page: rule.navigation ?? true,
    notModified: false,
  })

const explainRules = (site: CompiledSite, asked: Asked): readonly RuleExplained[] =>
  site.rules.map((rule) => ({
    id: rule.rule.id,
    conditions: explainMatch(rule, asked.request, asked.answer.status),
    skipped: skipOf(rule, asked),
  }))

const requestOf = (
  { integration, deliverable, refusal }: Decision,
  now: number,
): DeliveryExplained['request'] => {
  if (refusal !== null) return null
  const { destination, settings, secrets, endpoint, defaultCountry, site, id } = integration
  const request = destination.build([deliverable], settings, {
    site,
    integration: id,
    now,
    attempt: 1,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(defaultCountry === undefined ? {} : { defaultCountry }),
  })
  return maskRequest(request, secrets)
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const printEvent = (
  captured: CapturedEvent,
  missing: readonly string[],
  configuration: Configuration,
  now: number,
): void => {
  print(`\nfacts for ${captured.event.name} (rule ${captured.event.ruleId})\n${factsText(captured)}`)
  if (missing.length > 0) {
    print(`  ✗ ${skipText('incomplete')} (${missing.join(', ')})`)
    return
  }
  print(`\nevent\n${eventText(captured)}`)
  const decisions = route(captured, configuration.integrationsOf(captured.event.site), now)
  const explained = decisions.map((decision) => ({ decision, request: requestOf(decision, now) }))
  print(
    `\ndeliveries\n${explained.length === 0 ? '  none: no integration is a target' : explained.map(deliveryText).join('\n')}`,
  )
}

export const run = async (args: readonly string[]): Promise<number> => {
  const wish = readWish(args)
  const collected = wish.html === null ? null : await readHtml(wish.html)
  const configuration = await loadConfiguration(wish.rules)
  const now = Date.now()
  const head: RequestHead = {
    method: wish.method,
    target: `${wish.url.pathname}${wish.url.search}`,
    rawHeaders: wish.rawHeaders,
    remoteAddress: proxy,
    secure: wish.url.protocol === 'https:',
    receivedAt: now,
  }
  const answer: ResponseHead = { status: wish.status, rawHeaders: wish.answerHeaders }
  const request = readMatchRequest(head)
  const site = request === null ? null : configuration.matcher.site(request.host)
  if (request === null || site === null) {
    const hosts = configuration.sites.flatMap(({ traffic }) => traffic.hosts).join(', ')
    print(`no site answers to ${wish.url.host}; the rules file has ${hosts}`)
    return 1
  }
  print(`site ${site.site.id}, path ${request.path}`)
  const sent = throughProxy(head, site.site, wish.address)
  const asked: Asked = { request, head: sent, answer, screen: compileScreen(site.site, trust) }
  print(`\nrules\n${explainRules(site, asked).map(ruleText).join('\n')}`)
  const visit = readVisit(sent, site.site, trust)
  print(`\nvisitor\n${visitorText(visit, site.site)}`)
  print(`\nconsent\n${consentText(visit.consent)}`)

  const cookies = cookiesText(site.site, { head: sent, visit, answer, screen: asked.screen })
  if (cookies !== null) print(`\ncookies\n${cookies}`)
  const firing = site.candidates(request).filter(({ rule }) => skipOf(rule, asked) === null)
  if (firing.length === 0) {
    print('\nno event: no rule fires')
    return 0
  }
  const dom = createDomPool()
  try {
    const reader = { dom, products: createProductCache() }
    const readings = await readingsOf(reader, { site: site.site, visit, answer, collected, firing })
    for (const reading of readings)
      for (const action of reading.rule.actions) {
        const captured = assemble(action, reading)
        printEvent(captured, missingFields(action, captured), configuration, now)
      }
    if (wish.html === null) print('\nno page was given: --html page.html shows what would be read from it')
  } finally {
    await dom.close()
  }
  return 0
}
