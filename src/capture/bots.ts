import { isBot } from 'isbot'
import { LRUCache } from 'lru-cache'
import type { VisitorSettings } from './visitor-settings.ts'

/** A longer user agent costs more to test and tells no more. */
export const maxUserAgent = 1024

export type BotFilter = (userAgent: string) => boolean

/**
 * The site's filter of user agents: a missing one is a bot (isbot would let it pass), then the site's own texts count
 * (found anywhere, whatever the case; `deny` before `allow`), then isbot's list of those that declare themselves, to which
 * the previews of links in messengers and networks belong. The list is one big expression, so the answer is remembered for
 * the last thousand user agents.
 */
export const compileBots = (bots: VisitorSettings['bots'] = {}): BotFilter => {
  const deny = (bots.deny ?? []).map((text) => text.toLowerCase())
  const allow = (bots.allow ?? []).map((text) => text.toLowerCase())
  const judge = (userAgent: string): boolean => {
    const text = userAgent.toLowerCase()
    if (deny.some((part) => text.includes(part))) return true
    return bots.known !== false && !allow.some((part) => text.includes(part)) && isBot(userAgent)
  }

  const known = new LRUCache<string, boolean>({ max: 1000 })
  return (userAgent) => {
    const text = userAgent.slice(0, maxUserAgent).trim()
    if (text === '') return true
    const answer = known.get(text) ?? judge(text)
    known.set(text, answer)
    return answer
  }
}
