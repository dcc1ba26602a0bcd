/** The elements whose content follows rules of its own, told apart by a hash of their names. */

export const PLAIN = 0
export const VOID = 1
/** Content is text up to the end tag, and of no interest. */
export const RAW = 2
export const SCRIPT = 3
export const TITLE = 4
export const TEMPLATE = 5
export const SVG = 6
export const META = 7
export const LINK = 8
export const HEADING = 9
/** Everything that follows is text. */
export const PLAINTEXT = 10

export const hashSeed = 0x811c9dc5 | 0
/** One step of the hash over the bytes of a name; letter case does not matter. */
export const hashStep = (hash: number, byte: number): number => Math.imul(hash ^ (byte | 0x20), 0x01000193)

const hashOf = (name: string): number => [...Buffer.from(name)].reduce(hashStep, hashSeed)

const kinds: readonly (readonly [number, string])[] = [
  [VOID, 'area base br col embed hr img input source track wbr param'],
  [RAW, 'style textarea noscript xmp iframe noembed noframes'],
  [SCRIPT, 'script'],
  [TITLE, 'title'],
  [TEMPLATE, 'template'],
  [SVG, 'svg'],
  [META, 'meta'],
  [LINK, 'link'],
  [HEADING, 'h1'],
  [PLAINTEXT, 'plaintext'],
]

const tableSize = 4096
const tableHash = new Int32Array(tableSize)
const tableKind = new Uint8Array(tableSize)
for (const [kind, names] of kinds) {
  for (const name of names.split(' ')) {
    const hash = hashOf(name)
    const slot = hash & (tableSize - 1)
    if (tableKind[slot] !== 0) throw new Error(`The names of two elements share a slot: ${name}`)
    tableHash[slot] = hash
    tableKind[slot] = kind
  }
}

export const kindOf = (hash: number): number => {
  const slot = hash & (tableSize - 1)
  return tableHash[slot] === hash ? (tableKind[slot] ?? PLAIN) : PLAIN
}

const setOf = (names: string): ReadonlySet<number> => new Set(names.split(' ').map(hashOf))

/** Elements that the end tag of an inline one does not reach through (HTML, "special"). */
export const isSpecial = setOf(
  'address article aside blockquote body button center dd details div dl dt fieldset figcaption figure footer form h1 h2 ' +
    'h3 h4 h5 h6 header html li main nav ol p section summary table tbody td tfoot th thead tr ul',
)
/** Elements whose start ends an open paragraph (HTML, "close a p element"). */
export const endsParagraph = setOf(
  'address article aside blockquote center details dialog dir div dl dt dd fieldset figcaption figure footer form h1 h2 ' +
    'h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre search section summary table ul',
)
export const paragraph = hashOf('p')
