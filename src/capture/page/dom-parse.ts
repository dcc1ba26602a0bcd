/** Parsing a whole page as browsers do, within a bound of memory. */
import { load } from 'cheerio'
import type { CheerioAPI, CheerioOptions } from 'cheerio'

type TreeAdapter = NonNullable<CheerioOptions['treeAdapter']>

/**
 * Of the tree, in bytes. A thread that runs into its heap limit may take the whole process with it (Node's limit only
 * asks V8 to stop, and a loop in native code does not listen; seen with 690 000 `<p>`), so the tree must end long before.
 * Counting the page's bytes is no substitute: open formatting elements are repeated in every paragraph after them, and
 * 10 KB of `<b a1><b a2>…<p><p>…` are a million elements.
 */
const maxTreeBytes = 96 * 1024 * 1024
/** Measured on Node 24, rounded up. */
const cost = { element: 800, attribute: 250, text: 250, comment: 150 } as const

class TreeTooLarge extends Error {}

/** cheerio's own builder of trees, from the one place where it can be had without a dependency of our own on its insides. */
const builder = (): TreeAdapter => {
  const { treeAdapter } = load('').root().options
  if (treeAdapter === undefined) throw new Error('cheerio no longer tells its tree adapter')
  return treeAdapter
}

const boundedBuilder = (base: TreeAdapter): TreeAdapter => {
  let room = maxTreeBytes
  const spend = (bytes: number): void => {
    room -= bytes
    if (room < 0) throw new TreeTooLarge()
  }
  return {
    ...base,
    createElement(name, namespace, attributes) {
      spend(cost.element + attributes.length * cost.attribute)
      return base.createElement(name, namespace, attributes)
    },
    createCommentNode(data) {
      spend(cost.comment)
      return base.createCommentNode(data)
    },
    insertText(parent, text) {
      // Most calls lengthen the text that is there.
      const before = parent.children.length
      base.insertText(parent, text)
      spend((parent.children.length - before) * cost.text)
    },
    insertTextBefore(parent, text, reference) {
      const before = parent.children.length
      base.insertTextBefore(parent, text, reference)
      spend((parent.children.length - before) * cost.text)
    },
  }
}

/** `null` when the page's tree would be too large to hold. */
export const parsePage = (html: string): CheerioAPI | null => {
  try {
    return load(html, { treeAdapter: boundedBuilder(builder()) })
  } catch (error) {
    if (error instanceof TreeTooLarge) return null
    throw error
  }
}
