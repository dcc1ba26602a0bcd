/** The text of a parsed page as a person would read it. Without recursion: depth is the page's to choose. */

/** As much of a parsed node as is read here. */
export interface PageNode {
  readonly type: string
  readonly name?: string
  readonly data?: string
  readonly attribs?: Readonly<Record<string, string>>
  readonly children?: readonly PageNode[]
}

/** Words on both sides of these are not one word: `<td>Total</td><td>5</td>` says "Total 5". */
const apart = new Set(
  (
    'address article aside blockquote body br button caption dd details dialog div dl dt fieldset figcaption figure ' +
    'footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search ' +
    'section select summary table tbody td textarea tfoot th thead title tr ul'
  ).split(' '),
)
const silent = new Set(['script', 'style', 'template'])
/** Of the page as a whole, beyond `silent`: what browsers do not show. */
const unseen = new Set([...silent, 'head', 'noscript', 'iframe', 'noembed', 'noframes'])

const textUnder = (roots: readonly PageNode[], skipped: ReadonlySet<string>): string => {
  const pieces: string[] = []
  const ahead: (PageNode | ' ')[] = [...roots].reverse()
  for (let node = ahead.pop(); node !== undefined; node = ahead.pop()) {
    if (node === ' ') pieces.push(node)
    else if (node.type === 'text') pieces.push(node.data ?? '')
    else if (!skipped.has(node.name ?? '')) {
      if (apart.has(node.name ?? '')) {
        pieces.push(' ')
        ahead.push(' ')
      }
      const children = node.children ?? []
      for (let index = children.length - 1; index >= 0; index--) {
        const child = children[index]
        if (child !== undefined) ahead.push(child)
      }
    }
  }
  return pieces.join('').replace(/\s+/g, ' ').trim()
}

/** The text inside one element, scripts and styles in it left out (unless it is one itself). */
export const spokenText = (element: PageNode): string => textUnder(element.children ?? [], silent)

/** The text of the whole page that its visitor can see, its title and what only a browser without scripts shows left out. */
export const visibleText = (root: PageNode | undefined): string =>
  root === undefined ? '' : textUnder([root], unseen)
