/** Object literals of scripts, read and never run: whatever is not a literal makes its key absent. */

export type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>

const deepest = 16
/** Marks a value that only running the script would tell. */
const unknown = Symbol('unknown')
type Read = Literal | typeof unknown

const blank = /\s*(?:\/\/[^\n]*\n\s*|\/\*[^]*?\*\/\s*)*/y
const name = /[A-Za-z_$][\w$]*/y
const number = /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w$])/y
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  '0': '\0',
  '\n': '',
}
const constants: ReadonlyMap<string, Literal> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** Reads one literal of `text` at `from`; `end` is behind it, or `text.length` where the text breaks off. */
export const readLiteral = (
  text: string,
  from: number,
): { readonly value: Literal | undefined; readonly end: number } => {
  let at = from
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found === null) return null
    at = pattern.lastIndex
    return found[0]
  }

  const string = (): Read => {
    const quote = text[at] ?? ''
    let out = ''
    let plain = true
    at += 1
    while (at < text.length && text[at] !== quote) {
      const character = text[at] ?? ''
      if (character === '\\') {
        const code = /\\(?:u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\}|x([\da-fA-F]{2}))/y
        code.lastIndex = at
        const found = code.exec(text)
        if (found === null) {
          const next = text[at + 1] ?? ''
          out += escapes[next] ?? next
          at += 2
        } else {
          const point = Number.parseInt(found[1] ?? found[2] ?? found[3] ?? '', 16)
          out += point <= 0x10ffff ? String.fromCodePoint(point) : ''
          at = code.lastIndex
        }
      } else {
        if (quote === '`' && character === '$' && text[at + 1] === '{') plain = false
        out += character
        at += 1
      }
    }
    at += 1
    return plain ? out : unknown
  }

  /** To the comma or bracket that ends an expression. */
  const skip = (): void => {
    let depth = 0
    while (at < text.length) {
      const character = text[at] ?? ''
      if (character === '"' || character === "'" || character === '`') {
        string()
        continue
      }
      if (
        depth === 0 &&
        (character === ',' ||
          character === '}' ||
          character === ']' ||
          character === ')' ||
          character === ';')
      )
        return
      if (character === '{' || character === '[' || character === '(') depth += 1
      if (character === '}' || character === ']' || character === ')') depth -= 1
      at += 1
    }
  }

  const expression = (depth: number): Read => {
    match(blank)
    const value = literal(depth)
    match(blank)
    const next = text[at]
    if (
      value !== unknown &&
      (next === ',' || next === '}' || next === ']' || next === ')' || next === ';' || next === undefined)
    ) {
      return value
    }
    skip()
    return unknown
  }

  const list = (depth: number): Read => {
    const items: Literal[] = []
    at += 1
    for (;;) {
      match(blank)
      if (at >= text.length || text[at] === ']') break
      const before = at
      const value = expression(depth + 1)
      items.push(value === unknown ? null : value)
      if (text[at] === ',') at += 1
      else if (text[at] !== ']' || at === before) break
    }
    if (text[at] === ']') at += 1
    return items
  }

  const object = (depth: number): Read => {
    const entries = new Map<string, Literal>()
    at += 1
    for (;;) {
      match(blank)
      if (at >= text.length || text[at] === '}') break
      const before = at
      const quoted = text[at] === '"' || text[at] === "'"
      const key = quoted ? string() : (match(name) ?? match(number) ?? unknown)
      match(blank)
      if (typeof key === 'string' && text[at] === ':') {
        at += 1
        const value = expression(depth + 1)
        if (value === unknown) entries.delete(key)
        else entries.set(key, value)
      } else skip()
      if (text[at] === ',') at += 1
      else if (text[at] !== '}' || at === before) break
    }
    if (text[at] === '}') at += 1
    return entries
  }

  const literal = (depth: number): Read => {
    const character = text[at]
    if (character === undefined || depth > deepest) return unknown
    if (character === '"' || character === "'" || character === '`') return string()
    if (character === '{') return object(depth)
    if (character === '[') return list(depth)
    const digits = match(number)
    if (digits !== null) return Number(digits)
    const word = match(name)
    return word === null ? unknown : (constants.get(word) ?? (word === 'null' ? null : unknown))
  }

  const value = expression(0)
  return { value: value === unknown ? undefined : value, end: Math.min(at, text.length) }
}
