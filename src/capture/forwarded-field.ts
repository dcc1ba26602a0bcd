import { headerValues } from './headers.ts'

/** `Forwarded` (RFC 7239), read so that what a visitor wrote into it cannot change what a proxy appended. */

/** One element of the list: what one proxy says of the connection it took. */
export interface ForwardedElement {
  /** The node as written, quotes taken off; `null` where the proxy named none, or not in a form that can be read. */
  readonly node: string | null
  readonly proto: string | null
}

/** A longer list is cut on the left, where the visitor writes. */
const maxText = 8192

/**
 * A parameter, told by its neighbours: a quoted text counts only where a separator follows, so that a quote which a visitor
 * left open cannot swallow the beginning of the next element.
 */
const parameter = /(?:^|[;,])\s*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?=[;,]|$)/gi

const isBlank = (text: string): boolean => /^[\s;]*$/.test(text)

const parse = (value: string): readonly ForwardedElement[] => {
  const text = value.slice(-maxText)
  const elements: ForwardedElement[] = []
  /** Where the element stands that is being read. */
  let place = 0
  const add = (said: Partial<ForwardedElement>): void => {
    elements[place] = { ...(elements[place] ?? { node: null, proto: null }), ...said }
  }
  // What no parameter is, nobody can read: an element with such a piece names no node.
  const passOver = (piece: string): void => {
    for (const [index, part] of piece.split(',').entries()) {
      if (index > 0) place = elements.length
      if (!isBlank(part)) add({ node: null })
    }
  }
  let end = 0
  for (const match of text.matchAll(parameter)) {
    const [whole, name = '', quoted, token] = match
    passOver(text.slice(end, match.index))
    end = match.index + whole.length
    if (whole.startsWith(',')) place = elements.length
    const key = name.toLowerCase()
    const written = quoted ?? token ?? ''
    if (key === 'for') add({ node: written })
    else add(key === 'proto' ? { proto: written } : {})
  }
  passOver(text.slice(end))
  return elements
}

/** Every element of every copy of the field, in the order sent. */
export const forwardedElements = (rawHeaders: readonly string[]): readonly ForwardedElement[] =>
  headerValues(rawHeaders, 'forwarded').flatMap(parse)
