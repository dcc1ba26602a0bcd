/** Which kept elements are open, where each of them ends, and whose text is being kept. */
import type { RawAttribute } from './attributes.ts'
import type { Remainder } from './remainder.ts'
import { endsParagraph, isSpecial, paragraph } from './tags.ts'

interface OpenElement {
  readonly hash: number
  readonly name: string
  /** Left-out elements of the same name, open inside this one. */
  nested: number
  /** Index of the next outer open element of the same name, or -1. */
  readonly outer: number
  /** Whether its text is its value. */
  readonly captures: boolean
}

const deepest = 256
const longestText = 2048
const longestInner = 256

export const createNesting = (remainder: Remainder) => {
  const open: OpenElement[] = []
  /** Index of the innermost open element by the hash of its name. */
  const innermost = new Map<number, number>()
  let capturing = 0
  let textLeft = 0
  /** Whether it is marked already that text of the innermost element is missing. */
  let cut = false

  const closeFrom = (index: number): void => {
    while (open.length > index) {
      const element = open.pop()
      if (element === undefined) return
      if (element.outer < 0) innermost.delete(element.hash)
      else innermost.set(element.hash, element.outer)
      if (element.captures) capturing -= 1
      // The parser closes what is inside by itself.
      if (open.length === index) remainder.close(element.name)
    }
  }

  const seam = (): void => {
    if (capturing > 0) remainder.seam()
  }

  const innermostOf = (hash: number): { element: OpenElement; index: number } | null => {
    const index = innermost.get(hash)
    const element = index === undefined ? undefined : open[index]
    return element === undefined || index === undefined ? null : { element, index }
  }

  return {
    text(from: number, to: number): void {
      if (capturing === 0 || to <= from) return
      const end = Math.min(to, from + textLeft)
      remainder.text(from, end)
      textLeft -= end - from
      if (end === to || cut) return
      cut = true
      remainder.cut()
    },
    /** The page ended. Whatever is still open may have been cut with it. */
    finish(): void {
      if (capturing > 0) remainder.cut()
    },
    /** Before any start tag: a paragraph ends where a block begins. */
    beforeStart(hash: number): void {
      const last = open.length - 1
      if (last >= 0 && open[last]?.hash === paragraph && endsParagraph.has(hash)) closeFrom(last)
    },
    /** Keeps an element; `false` where it was refused, and must be counted as left out. */
    open(hash: number, name: string, attributes: readonly RawAttribute[], isVoid: boolean): boolean {
      if (!remainder.open(name, attributes)) return isVoid
      if (isVoid || open.length >= deepest) {
        remainder.close(name)
        return isVoid
      }
      const captures = !attributes.some(
        (attribute) => attribute.name === 'itemscope' || attribute.name === 'typeof',
      )
      if (captures) {
        // A long description must not cost the price inside it its text.
        textLeft = capturing === 0 ? longestText : Math.max(textLeft, longestInner)
        cut = false
        capturing += 1
      }
      open.push({ hash, name, nested: 0, outer: innermost.get(hash) ?? -1, captures })
      innermost.set(hash, open.length - 1)
      return true
    },
    /** The start of an element that is not kept. */
    leaveOut(hash: number, hasEnd: boolean): void {
      if (open.length === 0) return
      seam()
      const inner = hasEnd ? innermostOf(hash) : null
      if (inner !== null) inner.element.nested += 1
    },
    end(hash: number): void {
      if (open.length === 0) return
      const inner = innermostOf(hash)
      if (inner === null) return seam()
      if (inner.element.nested > 0) {
        inner.element.nested -= 1
        return seam()
      }
      // The stray end of an inline element reaches through no block.
      const reaches =
        isSpecial.has(hash) || !open.slice(inner.index + 1).some((element) => isSpecial.has(element.hash))
      if (reaches) closeFrom(inner.index)
    },
  }
}
