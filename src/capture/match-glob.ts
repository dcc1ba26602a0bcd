// Globs over one text: a path segment, a host, a cookie. Plain ones run in linear time here; picomatch has the rest,
// within bounds that no request can stretch.
import picomatch from 'picomatch'

/** Tokens of a plain glob: a character's code, one of these, or below them the number of a class. */
const any = -1
const one = -2
const firstClass = -3

export interface PlainGlob {
  readonly tokens: readonly number[]
  readonly classes: readonly ReadonlySet<number>[]
  readonly endsInClass: boolean
  /** What every match begins and ends with. */
  readonly prefix: string
  readonly suffix: string
  /** No wildcard at all: the text itself. */
  readonly literal: string | null
}

const special = /[[\](){}|^"'!]/

/** A class that holds a range or a dot: what holds neither, picomatch takes literally as well. */
const plainClass = /^\[((?=[^\]]*[-.])(?:[A-Za-z0-9]-[A-Za-z0-9]|[\w.])+)\]/

/** `null` where a range runs backwards. */
const readClass = (body: string): ReadonlySet<number> | null => {
  const codes = new Set<number>()
  for (const [, from, to, single] of body.matchAll(/(\w)-(\w)|([\w.])/g)) {
    const first = (from ?? single ?? '').charCodeAt(0)
    const last = (to ?? single ?? '').charCodeAt(0)
    if (first > last) return null
    for (let code = first; code <= last; code += 1) codes.add(code)
  }
  return codes
}

/** `null` where the glob needs more than `*`, `?`, simple classes and escaped signs. */
export const parsePlain = (glob: string): PlainGlob | null => {
  const tokens: number[] = []
  const classes: ReadonlySet<number>[] = []
  for (let at = 0; at < glob.length; at += 1) {
    const sign = glob.charAt(at)
    if (sign === '\\') {
      at += 1
      // picomatch hands `\d` and its like through to the regular expression.
      if (at === glob.length || /\w/.test(glob.charAt(at))) return null
      tokens.push(glob.charCodeAt(at))
    } else if (sign === '*') {
      if (tokens.at(-1) !== any) tokens.push(any)
    } else if (sign === '[') {
      const [whole, body] = plainClass.exec(glob.slice(at)) ?? []
      const codes = body === undefined ? null : readClass(body)
      if (whole === undefined || codes === null) return null
      tokens.push(firstClass - classes.length)
      classes.push(codes)
      at += whole.length - 1
    } else if (sign === '?') tokens.push(one)
    else if (special.test(sign)) return null
    else tokens.push(glob.charCodeAt(at))
  }
  const text = (codes: readonly number[]): string => String.fromCharCode(...codes)
  const first = tokens.findIndex((token) => token < 0)
  const common = { tokens, classes, endsInClass: (tokens.at(-1) ?? 0) <= firstClass }
  if (first < 0) return { ...common, prefix: text(tokens), suffix: text(tokens), literal: text(tokens) }
  const last = tokens.findLastIndex((token) => token < 0)
  return {
    ...common,
    prefix: text(tokens.slice(0, first)),
    suffix: text(tokens.slice(last + 1)),
    literal: null,
  }
}

/** The greedy walk that goes back to the last `*` only: at worst the product of both lengths, never more. */
export const plainMatches = (glob: PlainGlob, text: string): boolean => {
  if (glob.literal !== null) return text === glob.literal
  if (!text.startsWith(glob.prefix) || !text.endsWith(glob.suffix)) return false
  const { tokens, classes } = glob
  const fits = (wanted: number | undefined, code: number): boolean =>
    wanted === one ||
    wanted === code ||
    (wanted !== undefined && wanted <= firstClass && classes[firstClass - wanted]?.has(code) === true)
  let token = 0
  let at = 0
  let star = -1
  let resume = 0
  while (at < text.length) {
    const wanted = tokens[token]
    if (wanted === any) {
      star = token
      resume = at
      token += 1
    } else if (fits(wanted, text.charCodeAt(at))) {
      token += 1
      at += 1
    } else if (star >= 0) {
      token = star + 1
      resume += 1
      at = resume
    } else return false
  }
  while (tokens[token] === any) token += 1
  return token === tokens.length
}

// picomatch's own way of writing "anything but dot segments": harmless, and in the way of counting.
const globstar = '(?:(?!(?:^|\\/)\\.{1,2}(?:\\/|$)).)*?'
const lookaheads = /\(\?!(?:\(\?:\^\|\\\/\))?\\\.\{1,2\}\(\?:\\\/\|\$\)\)|\(\?=\.\)/g

/** Escapes and classes become one harmless letter, so that what is left is structure. */
const skeleton = (source: string): string =>
  source
    .replaceAll(globstar, '§')
    .replace(lookaheads, '')
    .replace(/\[(?:\\.|[^\]\\])*\]/g, 'c')
    .replaceAll('\\/', '/')
    .replace(/\\./g, 'e')
    .replace(/\(\?(?:[:=!]|<[=!]|<\w+>)/g, '(')

/**
 * A repeated group is safe when it can be read in one way only: no repetition or option within it, and no alternative
 * that begins another.
 */
const ambiguousRepeat = (structure: string): boolean => {
  const open: number[] = []
  for (let at = 0; at < structure.length; at += 1) {
    if (structure[at] === '(') open.push(at)
    if (structure[at] !== ')') continue
    const start = open.pop()
    if (start === undefined || !/^(?:[*+]|\{\d+,)/.test(structure.slice(at + 1))) continue
    const body = structure.slice(start + 1, at)
    if (/[()*+?{§]/.test(body)) return true
    const alternatives = body.split('|')
    // A class may stand for the letter beside it.
    if (alternatives.length > 1 && /[ce]/.test(body) && alternatives.some((text) => text.length !== 1))
      return true
    if (
      alternatives.some((text, index) =>
        alternatives.some((other, place) => place !== index && other.startsWith(text)),
      )
    )
      return true
  }
  return false
}

/**
 * The power of the text's length that backtracking may grow with. A segment's first wildcard has no choice, for it ends
 * at the next `/`; every further one multiplies what follows.
 */
const degree = (structure: string): number => {
  const body = structure
    .slice(2, -2)
    .replace(/^\((?:\(\^\|\/\|\(§\)\/\)|\(\(§\)\/\)\?)/, '(§/')
    .replace(/\(\/\(§\)(?:\/\|\/)?\|\$\)|\(\/\(§\)\/\|\/\)|\/\(§\)/g, '/§/')
    .replaceAll('(§)', '§')
  const count = (text: string): number => (text.match(/[*+]|\{\d+,\}/g) ?? []).length
  const globstars = body.split('§').length - 1
  // A group over a `/` lets a segment's wildcard reach into the next.
  if (/\([^()]*\/[^()]*\)/.test(body)) return count(body) + globstars
  const choices = body.split('/').map((segment) => Math.max(0, count(segment) - 1))
  return 1 + globstars + choices.reduce((sum, more) => sum + more, 0)
}

/** By degree: the longest text a pattern is tried on, so that no request costs more than a few milliseconds. */
const longest = [8192, 8192, 2048, 256] as const

export interface ComplexGlob {
  readonly matches: (text: string) => boolean
  /** Longer texts never match. */
  readonly maxLength: number
}

const options = { dot: true, nonegate: true } as const
/** In a value there are no segments: `*` crosses `/`. */
const valueOptions = { ...options, bash: true } as const

/** Compiles what {@link parsePlain} leaves; throws a sentence where the pattern is broken or could be made to stall. */
export const compileComplex = (glob: string, kind: 'path' | 'value'): ComplexGlob => {
  const chosen = kind === 'path' ? options : valueOptions
  if (/\{\d*\d\d+\.\.|\.\.\d\d+\}/.test(glob))
    throw new Error('a range of numbers of several digits is not understood; list them, as in {8,9,10}')
  let source: string
  try {
    source = picomatch.makeRe(glob, { ...chosen, strictBrackets: true, debug: true }).source
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(reason.replace(/^Invalid regular expression: .*: /, ''), { cause: error })
  }
  const structure = skeleton(source)
  if (ambiguousRepeat(structure))
    throw new Error(
      'a repeated group can be read in several ways, which a long address could use to stall matching',
    )
  const maxLength = longest[degree(structure)]
  if (maxLength === undefined)
    throw new Error('more than three wildcards in a pattern that also has groups or classes')
  const matches = picomatch(glob, chosen)
  return { matches: (text) => text.length <= maxLength && matches(text), maxLength }
}

/** A glob over a value: a host, a query parameter, a cookie, a header, the referrer. `*` crosses everything; `!` negates. */
export interface ValueGlob {
  readonly glob: string
  /** The one text that matches, where there is but one. */
  readonly literal: string | null
  matches(text: string): boolean
}

/** Throws a sentence where the glob is broken. */
export const compileValue = (glob: string): ValueGlob => {
  if (glob.length > 1 && glob.startsWith('!')) {
    const inner = compileValue(glob.slice(1))
    return { glob, literal: null, matches: (text) => !inner.matches(text) }
  }
  const plain = parsePlain(glob)
  if (plain !== null) return { glob, literal: plain.literal, matches: (text) => plainMatches(plain, text) }
  return { glob, literal: null, matches: compileComplex(glob, 'value').matches }
}
