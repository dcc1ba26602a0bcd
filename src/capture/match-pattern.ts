// One path pattern of a rule: read once, as segments where it is plain, by picomatch where it is not. Both mean the same:
// picomatch on the path's normal form, with `:name` standing for `*`.
import picomatch from 'picomatch'
import { compileComplex, parsePlain, plainMatches } from './match-glob.ts'
import type { PlainGlob } from './match-glob.ts'
import { decodePercent } from './cookies.ts'

export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  /** One whole segment, `*` or `:name`. */
  | { readonly kind: 'any'; readonly name: string | null }
  | { readonly kind: 'glob'; readonly text: string; readonly glob: PlainGlob }
  /** `**`: any number of segments, none included. */
  | { readonly kind: 'rest' }

/** What may stand behind the last segment: nothing, perhaps a slash, a slash, or whatever comes. */
export type Tail = 'exact' | 'optional' | 'slash' | 'any'

export interface Shape {
  readonly segments: readonly Segment[]
  readonly tail: Tail
}

export type Params = Readonly<Record<string, string>>

export interface PathPattern {
  /** As written, without the `!`. */
  readonly text: string
  /** What picomatch is given. */
  readonly glob: string
  readonly excludes: boolean
  readonly params: readonly string[]
  /** `null` where only picomatch can tell. */
  readonly shapes: readonly Shape[] | null
  /** What every match of a pattern without shapes begins with. */
  readonly head: string
  /** Longer paths never match. */
  readonly maxLength: number
  matches(path: string): boolean
  /** Percent-decoded; asked only of paths that match. */
  capture(path: string): Params
}

const named = /^:([A-Za-z_]\w*)$/

/** Segments of a path in normal form; a trailing slash adds none. */
export const segmentsOf = (path: string): readonly string[] => {
  const segments = path.slice(1).split('/')
  if (segments.at(-1) === '') segments.pop()
  return segments
}

/** Patterns are written for people: `ü`, a blank and `%7e` mean what they mean in an address. */
const normalText = (pattern: string): string =>
  pattern
    .replace(/[^\x21-\x7e]+/gu, (text) => encodeURIComponent(text))
    .replace(/%[0-9a-f]{2}/gi, (triplet) => {
      const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
      return /[A-Za-z0-9._~-]/.test(character) ? character : triplet.toUpperCase()
    })

const maxExpansions = 64
const braces = /\{([\w\-.~%=;:@&$+]+(?:,[\w\-.~%=;:@&$+]+)+)\}/

/** `{a,b}` of plain words, written out; `null` where there are too many. */
const expandBraces = (glob: string): readonly string[] | null => {
  let open = [glob]
  for (;;) {
    const found = open.map((text) => braces.exec(text))
    if (found.every((match) => match === null || match[1]?.includes('..') === true)) return open
    open = open.flatMap((text, index) => {
      const words = found[index]?.[1]?.split(',')
      return words === undefined ? [text] : words.map((word) => text.replace(braces, () => word))
    })
    if (open.length > maxExpansions) return null
  }
}

const segmentOf = (text: string, name: string | null): Segment | null => {
  if (text === '**') return { kind: 'rest' }
  if (text.includes('***')) return null
  if (text === '*') return { kind: 'any', name }
  const glob = parsePlain(text)
  if (glob === null) return null
  return glob.literal === null ? { kind: 'glob', text, glob } : { kind: 'literal', text: glob.literal }
}

const endsInStar = (text: string): boolean => text.endsWith('*') && !text.endsWith('\\*')

/** picomatch's short cuts for extensions, which let a slash follow and differ in more than that where dots are many. */
const shortCut = /^\*\*\/(?:(?<extension>\*(?:\.\w+)+)|(?:\*\.\*|\.\*)(?:\.\w+)*)$/

/**
 * The segments that picomatch sees in a pattern, its peculiarities included: a last segment that ends in `*` or a class
 * lets a slash follow; `**` at the beginning stands for at least one segment, and at the end behind a `*` for at least a slash.
 */
const shapesOf = (pattern: string, names: readonly (string | null)[]): readonly Shape[] | null => {
  const shapes = plainShapes(pattern, names)
  if (shapes === null || !/^(?:\*\*\/)+\*\//.test(pattern)) return shapes
  // `**/*/a` matches "/a", too: the star takes the nothing before the slash.
  return [...shapes, ...shapes.map(({ segments, tail }) => ({ segments: segments.slice(2), tail }))]
}

const plainShapes = (pattern: string, names: readonly (string | null)[]): readonly Shape[] | null => {
  const glob = pattern.replace(/(?<=^|\/)\*\*(?:\/\*\*)+(?=\/|$)/g, '**')
  if (glob === '**' || glob === '**/*') return [{ segments: [{ kind: 'rest' }], tail: 'any' }]
  const short = shortCut.exec(pattern)
  if (short !== null && short.groups?.['extension'] === undefined) return null
  const anywhere = glob.startsWith('**/')
  if (!glob.startsWith('/') && !anywhere) return null
  const texts = glob.slice(anywhere ? 3 : 1).split('/')
  // Names count from the front, and collapsing moved them.
  const moved = pattern.split('/').length - glob.split('/').length
  if (moved > 0 && names.some((name) => name !== null)) return null
  const slash = texts.length > 1 && texts.at(-1) === ''
  if (slash) texts.pop()

  const segments: Segment[] = anywhere ? [{ kind: 'rest' }] : []
  for (const [index, text] of texts.entries()) {
    const segment = segmentOf(text, names[index + 1] ?? null)
    if (segment === null || text === '') return null
    const before = texts[index - 1]
    if (segment.kind !== 'rest') segments.push(segment)
    else if (index === texts.length - 1 && !slash) {
      if (before === undefined || !endsInStar(before))
        return [{ segments: [...segments, segment], tail: 'any' }]
      return [
        { segments, tail: 'slash' },
        { segments: [...segments, { kind: 'any', name: null }, segment], tail: 'any' },
      ]
    } else {
      if (before === undefined) segments.push({ kind: 'any', name: null })
      segments.push(segment)
    }
  }
  if (slash) return [{ segments, tail: 'slash' }]
  const end = segments.at(-1)
  const open = endsInStar(texts.at(-1) ?? '') || (end?.kind === 'glob' && end.glob.endsInClass)
  return [{ segments, tail: short !== null || open ? 'optional' : 'exact' }]
}

export const tailAllows = (tail: Tail, slash: boolean): boolean =>
  tail === 'any' || tail === 'optional' || (tail === 'slash') === slash

const segmentMatches = (segment: Segment, text: string): boolean => {
  if (segment.kind === 'literal') return segment.text === text
  return segment.kind === 'glob' ? plainMatches(segment.glob, text) : true
}

/** Where each segment of the shape came to lie, or `null`: the greedy walk of `plainMatches`, over segments. */
const place = (shape: Shape, path: string): readonly number[] | null => {
  const texts = segmentsOf(path)
  if (!tailAllows(shape.tail, path.endsWith('/'))) return null
  const places: number[] = []
  let segment = 0
  let at = 0
  let rest = -1
  let resume = 0
  while (at < texts.length) {
    const wanted = shape.segments[segment]
    if (wanted?.kind === 'rest') {
      rest = segment
      resume = at
      segment += 1
    } else if (wanted !== undefined && segmentMatches(wanted, texts[at] ?? '')) {
      places[segment] = at
      segment += 1
      at += 1
    } else if (rest >= 0) {
      segment = rest + 1
      resume += 1
      at = resume
    } else return null
  }
  while (shape.segments[segment]?.kind === 'rest') segment += 1
  return segment === shape.segments.length ? places : null
}

const paramsOf = (pairs: Iterable<readonly [string, string | undefined]>): Params => {
  const params: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, text] of pairs) if (text !== undefined) params[name] = decodePercent(text) ?? text
  return params
}

const captureShapes = (shapes: readonly Shape[], path: string): Params => {
  const texts = segmentsOf(path)
  for (const shape of shapes) {
    const places = place(shape, path)
    if (places === null) continue
    return paramsOf(
      shape.segments.flatMap((segment, index) =>
        segment.kind === 'any' && segment.name !== null
          ? [[segment.name, texts[places[index] ?? 0] ?? ''] as const]
          : [],
      ),
    )
  }
  return paramsOf([])
}

/** For patterns only picomatch understands: its expression, with a group where a name stands. */
const captureExpression = (segments: readonly string[], names: readonly (string | null)[]): RegExp => {
  const mark = (index: number): string => `param${index}mark`
  const glob = segments.map((text, index) => (names[index] === null ? text : mark(index))).join('/')
  let { source } = picomatch.makeRe(glob, { dot: true, nonegate: true })
  for (const [index, name] of names.entries())
    if (name !== null) source = source.replace(mark(index), `(?<${name}>[^/]+)`)
  return new RegExp(names.at(-1) === null ? source : source.replace(/\)\$$/, '\\/?)$'))
}

/** Throws a sentence where the pattern is broken. */
export const compilePattern = (written: string): PathPattern => {
  const excludes = written.length > 1 && written.startsWith('!')
  const text = excludes ? written.slice(1) : written
  if (/(?<!\\)\|/.test(text.replace(/\([^()]*\)|\[[^\]]*\]/g, '').replace(/\([^()]*\)/g, '')))
    throw new Error('a "|" outside of a group; write {a,b} for one or the other')
  if (/^(?:\*\*\/)*:[A-Za-z_]/.test(text))
    throw new Error('a name stands for a segment behind a "/": begin the pattern with "/"')
  const raw = normalText(text).split('/')
  const names = raw.map((segment) => named.exec(segment)?.[1] ?? null)
  const params = names.filter((name) => name !== null)
  const twice = params.find((name, index) => params.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`:${twice} stands twice in one pattern`)
  const segments = raw.map((segment, index) => (names[index] === null ? segment : '*'))
  const glob = segments.join('/')

  const expanded = expandBraces(glob)?.map((one) => shapesOf(one, names))
  const shapes = expanded?.every((one) => one !== null) === true ? expanded.flat() : null
  const common = { text, glob, excludes, params }
  if (shapes !== null) {
    return {
      ...common,
      shapes,
      head: '',
      maxLength: Number.POSITIVE_INFINITY,
      matches: (path) => shapes.some((shape) => place(shape, path) !== null),
      capture: (path) => captureShapes(shapes, path),
    }
  }
  const { matches, maxLength } = compileComplex(glob, 'path')
  const expression = params.length === 0 ? null : captureExpression(segments, names)
  return {
    ...common,
    shapes: null,
    head: headOf(glob),
    maxLength,
    matches,
    capture: (path) => paramsOf(Object.entries(expression?.exec(path)?.groups ?? {})),
  }
}

/** The text before the first sign that means anything to picomatch; the slash before a `**` may be missing. */
const headOf = (glob: string): string => {
  const text = /^\/[\w\-.~%=,;:&$/]*/.exec(glob)?.[0] ?? ''
  return glob.startsWith('**', text.length) ? text.replace(/\/$/, '') : text
}

/** What is wrong with a pattern, in words; `null` when nothing is. */
export const patternProblem = (written: string): string | null => {
  try {
    compilePattern(written)
    return null
  } catch (error) {
    return error instanceof URIError
      ? 'no valid text'
      : error instanceof Error
        ? error.message
        : String(error)
  }
}
