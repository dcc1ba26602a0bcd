/**
 * JSON as pages write it. A small state machine, because patterns cannot tell a comma inside a string from one outside;
 * and no more than the listed defects, because a repair that invents structure invents prices.
 */

export interface Repaired {
  readonly text: string
  /** Whether more than a wrapper was taken off: such a block no strict reader has ever read. */
  readonly defective: boolean
}

const wrapperBefore =
  /^(?:[\s\uFEFF]|<!--|-->|<!\[CDATA\[|\/\*(?=\s*<!\[CDATA\[)|\*\/|\/\/>?(?=\s*(?:<!|-->)))*/
const wrapperAfter = /^(?:[\s\uFEFF;]|-->|<!--|\]\]>|<!\]\]>|\/\*|\*\/|\/\/)*$/

const escapeControl = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** From the opening quote to behind the closing one; `null` if it never closes. */
const endOfString = (text: string, from: number): number | null => {
  let at = from + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return null
    let slashes = 0
    while (text[quote - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return quote + 1
    at = quote + 1
  }
}

const endOfComment = (text: string, from: number): number => {
  const [mark, width] = text[from + 1] === '*' ? (['*/', 2] as const) : (['\n', 1] as const)
  const end = text.indexOf(mark, from + 2)
  return end < 0 ? text.length : end + width
}

const isBlank = (character: string): boolean =>
  character === ' ' || character === '\n' || character === '\r' || character === '\t'

// oxlint-disable-next-line no-control-regex -- raw control characters inside strings are the defect looked for
const controls = /[\u0000-\u001f]/g

const longest = 131_072

/** The block with its known defects mended, or `null` where it is not a single JSON value with such defects. */
export const repairJson = (input: string): Repaired | null => {
  if (input.length > longest) return null
  const text = input.slice(wrapperBefore.exec(input)?.[0].length ?? 0)
  const out: string[] = []
  let depth = 0
  let at = 0
  let kept = 0
  /** Index in `out` of a comma that nothing has followed yet. */
  let openComma = -1
  let defective = false
  while (at < text.length) {
    const character = text[at] ?? ''
    if (character === '"') {
      const end = endOfString(text, at)
      if (end === null) return null
      const string = text.slice(at, end)
      const clean = string
        .replaceAll('\n', '\\n')
        .replaceAll('\r', '\\r')
        .replaceAll('\t', '\\t')
        .replace(controls, escapeControl)
      defective ||= clean !== string
      out.push(text.slice(kept, at), clean)
      at = kept = end
      openComma = -1
    } else if (character === '/' && (text[at + 1] === '/' || text[at + 1] === '*')) {
      out.push(text.slice(kept, at))
      at = kept = endOfComment(text, at)
      defective = true
    } else {
      if (character === '{' || character === '[') depth += 1
      else if (character === '}' || character === ']') {
        depth -= 1
        if (openComma >= 0) {
          out[openComma] = ''
          defective = true
        }
      }
      if (character === ',') {
        out.push(text.slice(kept, at), ',')
        openComma = out.length - 1
        kept = at + 1
      } else if (!isBlank(character)) openComma = -1
      at += 1
      if (depth <= 0 && !isBlank(character)) break
    }
  }
  if (depth !== 0 || !wrapperAfter.test(text.slice(at))) return null
  out.push(text.slice(kept, at))
  return { text: out.join(''), defective }
}
