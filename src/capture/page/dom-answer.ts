/** Answers asks from one page: pure, and as slow as the page and the patterns make it. It runs on a thread of its own. */
import type { DomAsk } from './dom-ask.ts'
import { parsePage } from './dom-parse.ts'
import { spokenText, visibleText } from './dom-text.ts'
import type { PageNode } from './dom-text.ts'

const maxValue = 1000

/** One line, no control characters, no half of a surrogate pair at the end. */
const clean = (text: string | null | undefined): string | null => {
  const line = (text ?? '')
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}+/gu, '')
    .trim()
    .slice(0, maxValue)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()
  return line === '' ? null : line
}

const chosenOption = (select: PageNode): string | null => {
  const options = [...(select.children ?? [])]
  for (let option = options.shift(); option !== undefined; option = options.shift()) {
    if (option.name === 'optgroup') options.unshift(...(option.children ?? []))
    // Without a mark the browser shows the first, which is as a rule "please choose".
    else if (option.name === 'option' && option.attribs?.['selected'] !== undefined)
      return option.attribs['value'] ?? spokenText(option)
  }
  return null
}

/** What an element says, where the rule names no attribute: form fields and machine-readable elements by their value. */
const valueOf = (element: PageNode): string | null => {
  const attributes = element.attribs ?? {}
  switch (element.name ?? '') {
    case 'meta':
      return attributes['content'] ?? null
    case 'input':
      return attributes['value'] ?? null
    case 'data':
    case 'meter':
      return attributes['value'] ?? spokenText(element)
    case 'select':
      return chosenOption(element)
    default:
      return spokenText(element)
  }
}

/** The group called `value`, else the first group that took part, else the whole match. */
const captured = (match: RegExpExecArray): string =>
  match.groups?.['value'] ?? match.slice(1).find((group) => group !== undefined) ?? match[0]

/**
 * Tells each ask's value as it is found, selectors first: they are done when the page is parsed, and a pattern that
 * never ends must not cost them. An ask that cannot be answered (a bad selector, a page too deep for it) is `null`. Answers `false`, without a word, when the
 * page's tree is too large.
 */
export const answerAsks = (
  html: string,
  asks: readonly DomAsk[],
  tell: (index: number, value: string | null) => void,
): boolean => {
  const $ = parsePage(html)
  if ($ === null) return false
  let text: string | null = null

  const select = (ask: DomAsk & { kind: 'selector' }): string | null => {
    const element = $.root().find(ask.selector).get(0)
    if (element === undefined) return null
    if (ask.attribute === undefined) return valueOf(element)
    // HTML's attribute names are in lower case in the tree, SVG's are as written.
    return element.attribs[ask.attribute.toLowerCase()] ?? element.attribs[ask.attribute] ?? null
  }

  /**
   * First what the visitor reads; only where that has no match, the page's source. So a pattern for a sentence is never
   * answered from a script that holds the same words, while one for a script or an attribute, which no visible text can
   * match, is answered at all.
   */
  const search = (ask: DomAsk & { kind: 'regex' }): string | null => {
    text ??= visibleText($.root().get(0))
    const pattern = new RegExp(ask.pattern, ask.flags)
    const match = pattern.exec(text) ?? pattern.exec(html)
    return match === null ? null : captured(match)
  }

  const answer = (ask: DomAsk): string | null => {
    try {
      return clean(ask.kind === 'selector' ? select(ask) : search(ask))
    } catch {
      return null
    }
  }

  for (const kind of ['selector', 'regex'] as const)
    for (const [index, ask] of asks.entries()) if (ask.kind === kind) tell(index, answer(ask))
  return true
}
