// JSON as people write it, with comments and trailing commas, to a value that knows where each of its parts stands.
import { parseTree } from 'jsonc-parser'
import type { Node, ParseError } from 'jsonc-parser'
import type { Path, Problem } from './problem.ts'
import { showPath } from './problem.ts'

export interface Document {
  /** `undefined` where the text is no JSON. */
  readonly value: unknown
  /** Syntax, and keys given twice. */
  readonly problems: readonly Problem[]
  /** A problem at a place: `key` points at the name of the last part, else at its value; missing parts at what holds them. */
  at(path: Path, message: string, options?: { key?: boolean; severity?: Problem['severity'] }): Problem
}

/** By jsonc-parser's `ParseErrorCode`, a const enum that type stripping cannot import. */
const syntaxWords: Readonly<Record<number, string>> = {
  1: 'a word that is no JSON; texts stand in double quotes',
  2: 'this is no number of JSON',
  3: 'a key in double quotes is expected here',
  4: 'a value is expected here',
  5: 'a ":" is expected here',
  6: 'a "," is expected here',
  7: 'a "}" is missing',
  8: 'a "]" is missing',
  9: 'the file goes on behind its end',
  11: 'a comment is not closed',
  12: 'a text is not closed; the quote at its end is missing',
  13: 'a number is not finished',
  14: 'a \\u needs four hexadecimal digits',
  15: 'there is no such escape; a backslash itself is written \\\\',
  16: 'a control character must be escaped',
}

const maxDepth = 200

/** Plain objects and lists. A key given twice keeps its first value, for the second is reported. */
const valueOf = (node: Node): unknown => {
  if (node.type === 'array') return (node.children ?? []).map(valueOf)
  if (node.type !== 'object') return node.value
  const object: Record<string, unknown> = {}
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? []
    const name = String(key?.value)
    if (value !== undefined && name !== '__proto__' && !Object.hasOwn(object, name))
      object[name] = valueOf(value)
  }
  return object
}

const depthOf = (text: string): number => {
  let depth = 0
  let deepest = 0
  for (const [sign] of text.matchAll(/"(?:\\.|[^"\\\n])*"|\/\/.*|[[\]{}]/g)) {
    if (sign === '[' || sign === '{') depth += 1
    else if (sign === ']' || sign === '}') depth -= 1
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

const childOf = (node: Node | undefined, part: string | number): { key?: Node; value: Node } | null => {
  if (node?.type === 'array' && typeof part === 'number') {
    const value = node.children?.[part]
    return value === undefined ? null : { value }
  }
  if (node?.type !== 'object') return null
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? []
    if (key?.value === part) return { key, value: value ?? key }
  }
  return null
}

/** Reads the whole text and finds every problem of form at once. */
export const readDocument = (source: string): Document => {
  const text = source.replace(/^\uFEFF/, '')
  const lineStarts = [0]
  for (const match of text.matchAll(/\r\n|\n|\r/g)) lineStarts.push(match.index + match[0].length)

  const problem = (offset: number, path: Path, message: string, severity: Problem['severity']): Problem => {
    let low = 0
    let high = lineStarts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    const column = offset - (lineStarts[low] ?? 0) + 1
    return { line: low + 1, column, path: showPath(path), message, severity }
  }
  const broken = (offset: number, message: string): Document => ({
    value: undefined,
    problems: [problem(offset, [], message, 'error')],
    at: (path, said) => problem(0, path, said, 'error'),
  })

  // The parser goes one call deeper per level, so that a file of brackets would end the process.
  if (depthOf(text) > maxDepth) return broken(0, `nested more than ${maxDepth} levels deep`)
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false })
  if (root === undefined && text.trim() === '')
    return broken(0, 'the file is empty; it needs at least { "sites": [] }')

  const problems: Problem[] = []
  const linesWithErrors = new Set<number>()
  for (const { error, offset } of errors) {
    const found = problem(offset, [], syntaxWords[error] ?? 'this is no JSON', 'error')
    // One slip makes the parser stumble several times; the first is the one to mend.
    if (!linesWithErrors.has(found.line)) problems.push(found)
    linesWithErrors.add(found.line)
  }

  const findTwice = (node: Node, path: Path): void => {
    const seen = new Map<string, Node>()
    for (const [index, child] of (node.children ?? []).entries()) {
      if (node.type === 'array') findTwice(child, [...path, index])
      if (node.type !== 'object') continue
      const [key, value] = child.children ?? []
      if (key === undefined) continue
      const name = String(key.value)
      const first = seen.get(name)
      const here = [...path, name]
      if (first !== undefined) {
        const { line } = problem(first.offset, here, '', 'error')
        problems.push(
          problem(key.offset, here, `the key "${name}" is given twice, first on line ${line}`, 'error'),
        )
      } else if (name === '__proto__') {
        problems.push(problem(key.offset, here, 'the key "__proto__" is not allowed', 'error'))
      }
      if (first === undefined) seen.set(name, key)
      if (value !== undefined) findTwice(value, here)
    }
  }
  if (root !== undefined) findTwice(root, [])

  return {
    value: root === undefined || errors.length > 0 ? undefined : valueOf(root),
    problems,
    at: (path, message, { key = false, severity = 'error' } = {}) => {
      let node = root
      let offset = root?.offset ?? 0
      for (const [index, part] of path.entries()) {
        const child = childOf(node, part)
        if (child === null) break
        const last = index === path.length - 1
        offset = last && key && child.key !== undefined ? child.key.offset : child.value.offset
        node = child.value
      }
      return problem(offset, path, message, severity)
    },
  }
}
