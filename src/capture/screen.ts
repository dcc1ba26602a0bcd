import { compileBots, maxUserAgent } from './bots.ts'
import type { RequestHead } from './capture.ts'
import { compileAddresses, senderAddress, type Trust } from './client-address.ts'
import { readCookies } from './cookies.ts'
import { headerValue, headerValues } from './headers.ts'
import { compileValue } from './match-glob.ts'
import type { VisitorSettings } from './visitor-settings.ts'

/** Who of those that ask is no visitor: compiled once per site and set of rules. */
export interface Screen {
  /** The site's own. */
  isMonitoring(head: ScreenedHead): boolean
  /** An editor looks at a page that is not out yet, or tries another look of the site. */
  isPreview(head: ScreenedHead): boolean
  isBot(head: ScreenedHead): boolean
}

export type ScreenedHead = Pick<RequestHead, 'target' | 'rawHeaders' | 'remoteAddress'>

/** Whether one of the named things is there with a value that its glob wants. */
type Search = (read: (name: string) => readonly string[]) => boolean

const compileSearch = (globs: Readonly<Record<string, string>>): Search => {
  const wanted = Object.entries(globs).map(([name, glob]) => {
    const matches = glob === '*' ? () => true : compileValue(glob).matches
    return { name, matches }
  })
  return (read) => wanted.some(({ name, matches }) => read(name).some(matches))
}

const compileHeaders = (
  globs: Readonly<Record<string, string>> = {},
): ((rawHeaders: readonly string[]) => boolean) => {
  const search = compileSearch(globs)
  return (rawHeaders) => search((name) => headerValues(rawHeaders, name.toLowerCase()))
}

/** What the editors of these systems add to an address, and shops' visitors do not. */
const knownPreviews = {
  query: {
    preview: 'true', // WordPress
    customize_changeset_uuid: '*', // WordPress, the customizer
    'elementor-preview': '*',
    preview_theme_id: '*', // Shopify
    hs_preview: '*', // HubSpot
    _storyblok: '*',
  },
  cookies: {
    __prerender_bypass: '*', // Next.js, the draft mode
  },
} as const

const compilePreviews = ({
  known = true,
  query = {},
  cookies = {},
}: NonNullable<VisitorSettings['previews']>): Screen['isPreview'] => {
  const inQuery = compileSearch({ ...(known ? knownPreviews.query : {}), ...query })
  const inCookies = compileSearch({ ...(known ? knownPreviews.cookies : {}), ...cookies })
  return ({ target, rawHeaders }) => {
    const mark = target.indexOf('?')
    if (mark >= 0) {
      const parameters = new URLSearchParams(target.slice(mark))
      if (inQuery((name) => parameters.getAll(name))) return true
    }
    if (headerValue(rawHeaders, 'cookie') === undefined) return false
    const jar = readCookies(rawHeaders)
    return inCookies((name) => jar.all(name))
  }
}

const compileMonitoring = (
  { userAgents = [], addresses = [], headers }: NonNullable<VisitorSettings['monitoring']>,
  trust: Trust,
  clientIpHeader: string | undefined,
): Screen['isMonitoring'] => {
  const texts = userAgents.map((text) => text.toLowerCase())
  const places = compileAddresses(addresses)
  const marked = compileHeaders(headers)
  return ({ rawHeaders, remoteAddress: peer }) => {
    if (texts.length > 0) {
      const userAgent = (headerValue(rawHeaders, 'user-agent') ?? '').slice(0, maxUserAgent).toLowerCase()
      if (texts.some((text) => userAgent.includes(text))) return true
    }
    if (marked(rawHeaders)) return true
    if (addresses.length === 0) return false
    const sender = senderAddress({ peer, rawHeaders, trust, header: clientIpHeader })
    return sender !== null && places.has(sender)
  }
}

/** @throws where a glob or an address is broken; the schema finds those before. */
export const compileScreen = (
  { bots, monitoring = {}, previews = {}, clientIpHeader }: VisitorSettings,
  trust: Trust,
): Screen => {
  const isBotByName = compileBots(bots)
  const isMarkedBot = compileHeaders(bots?.headers)
  return {
    isMonitoring: compileMonitoring(monitoring, trust, clientIpHeader),
    isPreview: compilePreviews(previews),
    isBot: ({ rawHeaders }) =>
      isBotByName(headerValue(rawHeaders, 'user-agent') ?? '') || isMarkedBot(rawHeaders),
  }
}
