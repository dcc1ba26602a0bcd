/**
 * One walk over the bytes of a page, from `<` to `<`, keeping only what can carry facts. A page is not turned into a DOM to
 * read a price: that costs two hundred times as much. The walk is right about comments, raw text, quotes and letter case,
 * visits no byte twice in vain, and can be taken in slices.
 */
import { createTagScanner, readAttributes, tooLong, unclosed } from './attributes.ts'
import { createNesting } from './nesting.ts'
import { createRemainder } from './remainder.ts'
import type { RemainderLimits } from './remainder.ts'
import {
  HEADING,
  LINK,
  META,
  PLAIN,
  PLAINTEXT,
  RAW,
  SCRIPT,
  SVG,
  TEMPLATE,
  TITLE,
  VOID,
  hashSeed,
  hashStep,
  kindOf,
} from './tags.ts'

export interface SkimLimits extends RemainderLimits {
  readonly jsonLdBlocks: number
  readonly jsonLdBytes: number
  readonly dataLayerBytes: number
}

export const skimLimits: SkimLimits = {
  bytes: 524_288,
  elements: 4096,
  jsonLdBlocks: 32,
  jsonLdBytes: 524_288,
  dataLayerBytes: 262_144,
}

export interface Skimmed {
  /** The text of each JSON-LD script, undecoded. */
  readonly jsonLd: readonly Buffer[]
  /** Scripts that speak of a data layer, undecoded. */
  readonly dataLayer: readonly Buffer[]
  /** Marked elements, meta tags, the title and the first headings, as a small document. */
  readonly remainder: Buffer
  /** Something was left unread because a cap was met. */
  readonly truncated: boolean
  /** Turns of the walk: the bound that hostile pages are held to. */
  readonly steps: number
}

const sliceBytes = 131_072
const sliceSteps = 1024
const mostHeadings = 3
const longestTitle = 1024
const longestName = 1024

const LT = 0x3c
const GT = 0x3e
const SLASH = 0x2f
const BANG = 0x21
const QUESTION = 0x3f
const DASH = 0x2d
const BRACKET = 0x5d

/** Where the walk is. */
const TEXT = 0
const RAW_TEXT = 1
const COMMENT = 2
const SECTION = 3

/** Where a script is (HTML, 13.2.5.15 "script data" and what follows). */
const NOT_ESCAPED = 0
const ESCAPED = 1
const DOUBLY = 2

const isLetter = (byte: number | undefined): boolean => {
  const lower = (byte ?? 0) | 0x20
  return lower >= 0x61 && lower <= 0x7a
}
const endsName = (byte: number | undefined): boolean =>
  byte === GT ||
  byte === SLASH ||
  byte === 0x20 ||
  byte === 0x0a ||
  byte === 0x09 ||
  byte === 0x0d ||
  byte === 0x0c

const jsonLdType = (type: string): boolean =>
  type
    .toLowerCase()
    .replace(/&(?:#43|#x2b|plus);/g, '+')
    .split(';', 1)[0]
    ?.trim() === 'application/ld+json'

/** The walk in slices: `step()` until it answers `true`, then `result()`. */
export const createSkimmer = (page: Uint8Array, limits: SkimLimits = skimLimits) => {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength)
  const size = bytes.length
  const tag = createTagScanner(bytes)
  const remainder = createRemainder(bytes, limits)
  const jsonLd: Buffer[] = []
  const dataLayer: Buffer[] = []
  let dataLayerBytes = 0
  let truncated = false
  let steps = 0
  let at = 0
  let inert = 0
  let foreign = 0
  let headings = 0
  let titled = false
  let finished = false

  const nesting = createNesting(remainder)
  let textFrom = 0

  const nameAt = (from: number): string => {
    let to = from
    while (to < size && to - from < 64 && !endsName(bytes[to])) to += 1
    return bytes
      .toString('latin1', from, to)
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '-')
  }

  const keepText = (to: number): void => {
    if (inert === 0) nesting.text(textFrom, to)
  }

  /** Answers whether the element need not be counted as left out. */
  const keep = (hash: number, nameFrom: number, nameEnd: number, end: number, isVoid: boolean): boolean =>
    nesting.open(hash, nameAt(nameFrom), readAttributes(bytes, nameEnd, end - 1), isVoid)

  let mode = TEXT
  let hiddenFrom = 0
  let rawName = ''
  let rawFrom = 0
  let rawKind = PLAIN
  let escape = NOT_ESCAPED
  let escapedFrom = 0
  let nextGt = -1

  const startRaw = (kind: number, name: string, from: number): void => {
    mode = RAW_TEXT
    rawKind = kind
    rawName = name
    rawFrom = from
    escape = NOT_ESCAPED
  }

  const namedAt = (from: number, name: string): boolean => {
    for (let index = 0; index < name.length; index += 1) {
      if (((bytes[from + index] ?? 0) | 0x20) !== name.charCodeAt(index)) return false
    }
    return from + name.length >= size || endsName(bytes[from + name.length])
  }

  const keepRaw = (to: number): void => {
    if (inert > 0) return
    const content = bytes.subarray(rawFrom, to)
    if (rawKind === TITLE) {
      if (titled) return
      titled = true
      if (!remainder.open('title', [])) return
      remainder.text(rawFrom, Math.min(to, rawFrom + longestTitle))
      remainder.close('title')
    } else if (rawKind === SCRIPT) keepScript(content)
  }

  let scriptIsJsonLd = false
  let scriptIsCode = false
  const keepScript = (content: Buffer): void => {
    if (scriptIsJsonLd) {
      if (jsonLd.length < limits.jsonLdBlocks && content.length <= limits.jsonLdBytes) jsonLd.push(content)
      else truncated = true
    } else if (scriptIsCode && (content.includes('dataLayer') || content.includes('gtag('))) {
      const part = content.subarray(0, limits.dataLayerBytes - dataLayerBytes)
      if (part.length < content.length) truncated = true
      dataLayerBytes += part.length
      if (part.length > 0) dataLayer.push(part)
    }
  }

  const endRaw = (lt: number): void => {
    keepRaw(lt)
    mode = TEXT
    const end = tag.end(lt + 2 + rawName.length)
    if (end < 0) truncated ||= end !== unclosed
    at = end < 0 ? size : end
    textFrom = at
  }

  /** Whether the `>` ends a comment that began at `from`: `-->`, `--!>`, or one of the whole comments `<!-->`, `<!--->`. */
  const endsComment = (gt: number, from: number): boolean =>
    bytes[gt - 1] === DASH
      ? bytes[gt - 2] === DASH && gt - 2 >= from + 2
      : bytes[gt - 1] === BANG && bytes[gt - 2] === DASH && bytes[gt - 3] === DASH && gt - 3 >= from + 4

  /** From `<` to `<` in raw text. A `<script` in a comment of a script hides the next end tag, and only that one. */
  const walkRaw = (): void => {
    const lt = bytes.indexOf(LT, at)
    if (escape !== NOT_ESCAPED) {
      if (nextGt < at) {
        nextGt = bytes.indexOf(GT, at)
        if (nextGt < 0) nextGt = size
      }
      if (nextGt < size && (lt < 0 || nextGt < lt)) {
        if (endsComment(nextGt, escapedFrom)) escape = NOT_ESCAPED
        at = nextGt + 1
        return
      }
    }
    if (lt < 0) {
      keepRaw(size)
      mode = TEXT
      at = size
    } else if (bytes[lt + 1] === SLASH && namedAt(lt + 2, rawName)) {
      if (escape === DOUBLY) {
        escape = ESCAPED
        at = lt + 2
      } else endRaw(lt)
    } else if (rawKind !== SCRIPT) at = lt + 1
    else if (escape === NOT_ESCAPED && opensComment(lt)) {
      escape = ESCAPED
      escapedFrom = lt
      at = lt + 4
    } else {
      if (escape === ESCAPED && namedAt(lt + 1, rawName)) escape = DOUBLY
      at = lt + 1
    }
  }

  const opensComment = (lt: number): boolean =>
    bytes[lt + 1] === BANG && bytes[lt + 2] === DASH && bytes[lt + 3] === DASH

  /** From `>` to `>` in a comment or a CDATA section. */
  const walkHidden = (): void => {
    const gt = bytes.indexOf(GT, at)
    at = gt < 0 ? size : gt + 1
    const ended =
      mode === COMMENT ? endsComment(gt, hiddenFrom) : bytes[gt - 1] === BRACKET && bytes[gt - 2] === BRACKET
    if (gt < 0 || ended) {
      mode = TEXT
      textFrom = at
    }
  }

  const startTag = (lt: number): void => {
    let nameEnd = lt + 1
    let hash = hashSeed
    const longest = Math.min(size, lt + longestName)
    while (nameEnd < longest && !endsName(bytes[nameEnd])) {
      hash = hashStep(hash, bytes[nameEnd] as number)
      nameEnd += 1
    }
    const kind = kindOf(hash)
    const end = nameEnd - lt < longestName ? tag.end(nameEnd) : tooLong
    if (end < 0) {
      truncated ||= end !== unclosed
      at = size
      return
    }
    at = end
    const marked = tag.marked
    keepText(lt)
    textFrom = end
    if (inert === 0) visitElement(hash, kind, marked, lt, nameEnd, end)
    if (kind < RAW || kind >= META) {
      if (kind === PLAINTEXT) at = size
      return
    }
    if (kind === TEMPLATE) inert += 1
    else if (kind === SVG) foreign += bytes[end - 2] === SLASH ? 0 : 1
    else if (foreign === 0 || bytes[end - 2] !== SLASH) startRawOf(kind, lt, nameEnd, end)
  }

  const visitElement = (
    hash: number,
    kind: number,
    marked: boolean,
    lt: number,
    nameEnd: number,
    end: number,
  ): void => {
    nesting.beforeStart(hash)
    let kept = kind === META || kind === LINK
    if (kept) {
      if (kind === META || marked || isCanonical(nameEnd, end)) keep(hash, lt + 1, nameEnd, end, true)
    } else if (marked && (kind < RAW || kind >= HEADING)) {
      kept = keep(hash, lt + 1, nameEnd, end, kind === VOID)
    } else if (kind === HEADING && headings < mostHeadings) {
      headings += 1
      kept = keep(hash, lt + 1, nameEnd, end, false)
    }
    if (!kept) nesting.leaveOut(hash, kind === PLAIN || kind === HEADING)
  }

  const startRawOf = (kind: number, lt: number, nameEnd: number, end: number): void => {
    if (kind === SCRIPT) {
      const type = readAttributes(bytes, nameEnd, end - 1).find(({ name }) => name === 'type')
      const text =
        type === undefined ? '' : bytes.toString('latin1', type.from, Math.min(type.to, type.from + 128))
      scriptIsJsonLd = jsonLdType(text)
      scriptIsCode = text === '' || /javascript|ecmascript|module/i.test(text)
    }
    // A title inside a drawing is a label of the drawing, and may hold elements.
    if (kind === TITLE && foreign > 0) return
    startRaw(kind, nameAt(lt + 1), end)
  }

  const isCanonical = (nameEnd: number, end: number): boolean =>
    readAttributes(bytes, nameEnd, end - 1).some(
      ({ name, from, to }) =>
        name === 'rel' && /canonical/i.test(bytes.toString('latin1', from, Math.min(to, from + 64))),
    )

  const endTag = (lt: number): void => {
    let nameEnd = lt + 2
    let hash = hashSeed
    const longest = Math.min(size, lt + longestName)
    while (nameEnd < longest && !endsName(bytes[nameEnd])) {
      hash = hashStep(hash, bytes[nameEnd] as number)
      nameEnd += 1
    }
    const end = bytes[nameEnd] === GT ? nameEnd + 1 : nameEnd - lt < longestName ? tag.end(nameEnd) : tooLong
    if (end < 0) {
      truncated ||= end !== unclosed
      at = size
      return
    }
    at = end
    keepText(lt)
    textFrom = end
    const kind = kindOf(hash)
    if (kind === TEMPLATE) inert = Math.max(0, inert - 1)
    else if (kind === SVG) foreign = Math.max(0, foreign - 1)
    if (inert === 0) nesting.end(hash)
  }

  const declaration = (lt: number): void => {
    keepText(lt)
    const section = foreign > 0 && bytes.toString('latin1', lt, lt + 9) === '<![CDATA['
    if (section || opensComment(lt)) {
      mode = section ? SECTION : COMMENT
      hiddenFrom = lt
      at = section ? lt + 9 : lt + 4
    } else at = textFrom = behindGt(lt)
  }

  const behindGt = (from: number): number => {
    const gt = bytes.indexOf(GT, from)
    return gt < 0 ? size : gt + 1
  }

  const walk = (): void => {
    let lt = at
    const near = Math.min(size, at + 24)
    while (lt < near && bytes[lt] !== LT) lt += 1
    if (lt === near && lt < size) {
      lt = bytes.indexOf(LT, lt)
      if (lt < 0) lt = size
    }
    if (lt >= size) {
      keepText(size)
      at = size
      return
    }
    const next = bytes[lt + 1]
    if (isLetter(next)) startTag(lt)
    else if (next === SLASH) {
      if (isLetter(bytes[lt + 2])) endTag(lt)
      else {
        keepText(lt)
        at = textFrom = behindGt(lt + 2)
      }
    } else if (next === BANG) declaration(lt)
    else if (next === QUESTION) {
      keepText(lt)
      at = textFrom = behindGt(lt)
    } else at = lt + 1
  }

  return {
    /** Walks one slice, about a millisecond; `true` when the end is reached. */
    step(): boolean {
      const stop = Math.min(size, at + sliceBytes)
      for (let turns = 0; turns < sliceSteps; turns += 1) {
        if (at >= stop) break
        steps += 1
        if (mode === TEXT) walk()
        else if (mode === RAW_TEXT) walkRaw()
        else walkHidden()
      }
      if (at >= size && mode === RAW_TEXT) {
        keepRaw(size)
        mode = TEXT
      }
      if (at >= size && !finished) {
        finished = true
        nesting.finish()
      }
      return finished
    },
    result: (): Skimmed => ({
      jsonLd,
      dataLayer,
      remainder: remainder.bytes(),
      truncated: truncated || remainder.truncated,
      steps,
    }),
  }
}

/** The whole walk at once. `page` must be in an encoding where `<` is always a `<` (`isAsciiCompatible`). */
export const skim = (page: Uint8Array, limits: SkimLimits = skimLimits): Skimmed => {
  const skimmer = createSkimmer(page, limits)
  while (!skimmer.step());
  return skimmer.result()
}
