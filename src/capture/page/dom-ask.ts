/** What a rule may ask of a whole page, and whether a rules file's asks can be asked at all. */
import { load } from 'cheerio/slim'

/** The first element that a selector matches, or the first match of a pattern in the page's text. */
export type DomAsk =
  | { readonly kind: 'selector'; readonly selector: string; readonly attribute?: string }
  | { readonly kind: 'regex'; readonly pattern: string; readonly flags?: string }

export interface DomAnswer {
  /** One per ask, in their order: at most 1 000 characters in one line, `null` where nothing (or only white space) was found. */
  readonly values: readonly (string | null)[]
  /**
   * `timeout`: the page or a pattern took too long; what was found before it is kept.
   * `too_large`: its bytes or its tree are beyond the limit, and it was not looked at. `busy`: too many pages wait already, or the pool is closed.
   * `crashed`: the thread ended, for want of memory or because the pool was closed.
   */
  readonly problem: null | 'timeout' | 'too_large' | 'busy' | 'crashed'
}

const maxLength = 1000
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const tooLong = (text: string): string | null =>
  text.length > maxLength ? `longer than ${maxLength} characters` : null

/** What is wrong with a CSS selector, in words for the rules file's author; `null` when it can be used. */
export const selectorProblem = (selector: string): string | null => {
  if (selector.trim() === '') return 'an empty selector matches nothing'
  // The parser takes "<" for its own parent combinator, so that pasted markup would pass and silently match nothing.
  if (selector.includes('<')) return 'this is markup, not a CSS selector'
  try {
    load('').root().find(selector)
    return tooLong(selector)
  } catch (error) {
    return message(error)
  }
}

/** What is wrong with a pattern or its flags; `null` when it can be used. A slow pattern is no problem here: see the pool. */
export const regexProblem = (pattern: string, flags = ''): string | null => {
  if (pattern === '') return 'an empty pattern matches nothing'
  // `g` and `y` are about where the next match begins, and there is only one.
  if (!/^[imsu]*$/.test(flags)) return 'flags may be i, m, s and u'
  try {
    RegExp(pattern, flags)
    return tooLong(pattern)
  } catch (error) {
    return message(error)
  }
}
