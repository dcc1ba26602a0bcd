import { filterNamed, filterNames, takesArgument } from './filters.ts'
import type { Parts, Placeholder, TemplateNode } from './template.ts'

/**
 * Reads a template. JSON with placeholders is no JSON, and swapping them for marks before `JSON.parse` would lose the place
 * of an error and need marks nobody can forge; so this is a small parser of its own, which on texts without placeholders
 * takes exactly what `JSON.parse` takes (a property test holds it to that).
 */

interface TemplateProblem {
  readonly message: string
  /** Where, in a template that is a text: both from 1. */
  readonly line?: number
  readonly column?: number
  /** Where, in a template that is a JSON value. */
  readonly path?: readonly (string | number)[]
}

export type Parsed<T> = { readonly template: T } | { readonly problem: TemplateProblem }

/** Says what is wrong with a variable's path, as far as the names are known; `null`: nothing. */
export type CheckPath = (path: readonly (string | number)[], written: string) => string | null

export const maxTemplateBytes = 32 * 1024
export const maxPlaceholders = 200
export const maxDepth = 20

class TemplateFault extends Error {
  readonly at: number
  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** `omit` removes a whole value; what is mixed into a text, a key or a whole template has nothing to be removed from. */
const refuseOmit = (parts: Parts, at: number, what: string): void => {
  if (parts.some((part) => typeof part === 'object' && part.whenMissing === 'omit'))
    throw new TemplateFault(at, `"omit" cannot be used ${what}`)
}
const refuseMixedOmit = (parts: Parts, at: number): void => {
  if (parts.length > 1) refuseOmit(parts, at, 'where a placeholder is only a part of a text')
}

/** How many placeholders were met so far: the limit is the template's, not one string's. */
interface Budget {
  placeholders: number
}

const whitespace = /[ \t\r\n]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const word = /[A-Za-z]+/y
const name = /[A-Za-z_]\w*/y
const index = /\[(\d{1,4})\]/y
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

const words: ReadonlyMap<string, true | false | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

const parser = (text: string, check: CheckPath | null, budget: Budget) => {
  let at = 0

  const fault = (message: string, where = at): TemplateFault => new TemplateFault(where, message)
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  const skip = (): void => void take(whitespace)
  const eat = (token: string): boolean => {
    if (!text.startsWith(token, at)) return false
    at += token.length
    return true
  }
  const here = (): string => {
    const [first] = text.slice(at, at + 2)
    return first === undefined ? 'the template ends' : `there is "${first}"`
  }

  /** Inside a string of a text template a double quote would end the string, so arguments there cannot hold one. */
  const argument = (quotable: boolean): unknown => {
    const start = at
    value(1, { placeholders: false, quotable })
    return JSON.parse(text.slice(start, at))
  }

  /** After the opening braces. */
  const placeholder = (quotable: boolean): Placeholder => {
    const start = at - 2
    budget.placeholders += 1
    if (budget.placeholders > maxPlaceholders)
      throw fault(`a template may have ${maxPlaceholders} placeholders`, start)
    skip()
    const nameAt = at
    const first = take(name)
    if (first === null) throw fault(`a variable's name expected, ${here()}`)
    const path: (string | number)[] = [first[0]]
    for (;;) {
      const element = take(index)
      if (element !== null) path.push(Number(element[1]))
      else if (eat('.')) {
        const property = take(name)
        if (property === null) throw fault(`a name expected after ".", ${here()}`)
        path.push(property[0])
      } else break
    }
    const written = text.slice(nameAt, at)
    const unknown = check?.(path, written) ?? null
    if (unknown !== null) throw fault(unknown, nameAt)

    const steps: ((value: unknown) => unknown)[] = []
    let whenMissing: Placeholder['whenMissing'] = 'empty'
    let asJson = false
    for (skip(); eat('|'); skip()) {
      skip()
      const filterAt = at
      const filterName = take(name)?.[0]
      if (filterName === undefined) throw fault(`a filter's name expected, ${here()}`)
      skip()
      let given: unknown
      const hasArgument = eat(':')
      if (hasArgument) {
        skip()
        given = argument(quotable)
      }
      const filter = filterNamed(filterName, given)
      if (filter === null)
        throw fault(`"${filterName}" is no filter; there are ${filterNames.join(', ')}`, filterAt)
      if (hasArgument !== takesArgument(filterName))
        throw fault(
          hasArgument
            ? `the filter "${filterName}" takes no argument`
            : `the filter "${filterName}" needs an argument, such as ${filterName}: 0`,
          filterAt,
        )
      if (filter.kind === 'step') steps.push(filter.step)
      else if (filter.kind === 'json') asJson = true
      else if (whenMissing !== 'empty') throw fault('"omit" and "required" exclude each other', filterAt)
      else whenMissing = filter.whenMissing
    }
    if (!eat('}}')) {
      if (!text.includes('}}', at)) throw fault('a "{{" is never closed', start)
      throw fault(`"|" or "}}" expected, ${here()}`)
    }
    return { written, path, steps, whenMissing, asJson }
  }

  /** A JSON string after its opening quote. */
  const string = (options: { readonly placeholders: boolean }): Parts => {
    const opened = at - 1
    const parts: (string | Placeholder)[] = []
    let from = at
    const flush = (): void => {
      if (at > from) parts.push(JSON.parse(`"${text.slice(from, at)}"`) as string)
    }
    for (;;) {
      const character = text[at]
      if (character === undefined) throw fault('a text is never closed', opened)
      if (character === '"') {
        flush()
        at += 1
        return parts
      }
      if (character < ' ') throw fault('a line break or control character inside a text')
      if (character === '\\') {
        if (take(escape) === null) throw fault('an escape JSON does not know')
      } else if (options.placeholders && text.startsWith('{{', at)) {
        flush()
        at += 2
        parts.push(placeholder(false))
        from = at
      } else at += 1
    }
  }

  interface ValueOptions {
    readonly placeholders: boolean
    readonly quotable: boolean
  }

  const value = (depth: number, options: ValueOptions): TemplateNode => {
    if (depth > maxDepth) throw fault(`a template may be nested ${maxDepth} deep`)
    const start = at
    if (options.placeholders && eat('{{')) return { kind: 'placeholder', placeholder: placeholder(true) }
    if (eat('{')) return object(depth, options)
    if (eat('[')) return list(depth, options)
    if (eat('"')) {
      if (!options.quotable)
        throw fault(
          'a filter argument inside a text cannot hold a double quote; write the placeholder without quotes around it',
          start,
        )
      const parts = string(options)
      refuseMixedOmit(parts, start)
      if (parts.length === 0) return { kind: 'literal', value: '' }
      const [only] = parts
      return parts.length === 1 && typeof only === 'string'
        ? { kind: 'literal', value: only }
        : { kind: 'text', parts }
    }
    const digits = take(number)
    if (digits !== null) return { kind: 'literal', value: Number(digits[0]) }
    const spelled = take(word)?.[0]
    const constant = spelled === undefined ? undefined : words.get(spelled)
    if (constant !== undefined) return { kind: 'literal', value: constant }
    at = start
    throw fault(`a JSON value expected, ${here()}`)
  }

  const object = (depth: number, options: ValueOptions): TemplateNode => {
    const entries: (readonly [Parts, TemplateNode])[] = []
    skip()
    if (eat('}')) return { kind: 'object', entries }
    do {
      skip()
      const keyAt = at
      if (!eat('"')) throw fault(`a key in double quotes expected, ${here()}`)
      if (!options.quotable) throw fault('a filter argument inside a text cannot hold a double quote', keyAt)
      const key = string(options)
      refuseOmit(key, keyAt, 'in a key')
      skip()
      if (!eat(':')) throw fault(`":" expected, ${here()}`)
      skip()
      entries.push([key, value(depth + 1, options)])
      skip()
    } while (eat(','))
    if (!eat('}')) throw fault(`"," or "}" expected, ${here()}`)
    return { kind: 'object', entries }
  }

  const list = (depth: number, options: ValueOptions): TemplateNode => {
    const items: TemplateNode[] = []
    skip()
    if (eat(']')) return { kind: 'list', items }
    do {
      skip()
      items.push(value(depth + 1, options))
      skip()
    } while (eat(','))
    if (!eat(']')) throw fault(`"," or "]" expected, ${here()}`)
    return { kind: 'list', items }
  }

  const document = (): TemplateNode => {
    skip()
    const start = at
    const root = value(1, { placeholders: true, quotable: true })
    if (root.kind === 'placeholder') refuseOmit([root.placeholder], start, 'for a whole template')
    if (root.kind === 'text') refuseOmit(root.parts, start, 'for a whole template')
    skip()
    if (at < text.length) throw fault(`the template should end here, ${here()}`)
    return root
  }

  /** Text that is no JSON: everything but placeholders stands for itself. */
  const freeText = (): Parts => {
    const parts: (string | Placeholder)[] = []
    for (;;) {
      const next = text.indexOf('{{', at)
      const end = next < 0 ? text.length : next
      if (end > at) parts.push(text.slice(at, end))
      if (next < 0) return parts
      at = next + 2
      parts.push(placeholder(true))
    }
  }

  return { document, freeText }
}

const placeOf = (text: string, at: number): { readonly line: number; readonly column: number } => {
  const before = text.slice(0, at)
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') }
}

const tooLarge = (text: string): boolean => Buffer.byteLength(text) > maxTemplateBytes
const sizeProblem = { problem: { message: `a template may have ${maxTemplateBytes} bytes` } }

const attempt = <T>(text: string, parse: () => T): Parsed<T> => {
  if (tooLarge(text)) return sizeProblem
  try {
    return { template: parse() }
  } catch (error) {
    if (error instanceof TemplateFault)
      return { problem: { message: error.message, ...placeOf(text, error.at) } }
    throw error
  }
}

/** A template written as text: JSON with placeholders as values, in texts and in keys. */
export const parseJsonTemplate = (text: string, check: CheckPath | null = null): Parsed<TemplateNode> =>
  attempt(text, () => parser(text, check, { placeholders: 0 }).document())

/** A template for something that is not JSON, such as a header. */
export const parseTextTemplate = (text: string, check: CheckPath | null = null): Parsed<Parts> =>
  attempt(text, () => {
    const parts = parser(text, check, { placeholders: 0 }).freeText()
    refuseOmit(parts, 0, 'here')
    return parts
  })

/** A template that is a JSON value already: placeholders stand inside its strings, so they are text. */
export const parseValueTemplate = (value: unknown, check: CheckPath | null = null): Parsed<TemplateNode> => {
  const budget: Budget = { placeholders: 0 }
  let path: (string | number)[] = []

  const partsOf = (text: string): Parts => {
    const parts = parser(text, check, budget).freeText()
    refuseMixedOmit(parts, 0)
    return parts
  }

  const nodeOf = (part: unknown, trail: (string | number)[]): TemplateNode => {
    path = trail
    if (trail.length >= maxDepth) throw new TemplateFault(0, `a template may be nested ${maxDepth} deep`)
    if (typeof part === 'string') {
      const parts = partsOf(part)
      if (trail.length === 0) refuseOmit(parts, 0, 'for a whole template')
      return { kind: 'text', parts }
    }
    if (part === null || typeof part === 'boolean') return { kind: 'literal', value: part }
    if (typeof part === 'number' && Number.isFinite(part)) return { kind: 'literal', value: part }
    if (Array.isArray(part))
      return { kind: 'list', items: part.map((item, position) => nodeOf(item, [...trail, position])) }
    if (typeof part !== 'object') throw new TemplateFault(0, 'this is not a JSON value')
    return {
      kind: 'object',
      entries: Object.entries(part).map(([key, item]) => {
        path = [...trail, key]
        const parts = partsOf(key)
        refuseOmit(parts, 0, 'in a key')
        return [parts, nodeOf(item, [...trail, key])] as const
      }),
    }
  }

  try {
    const template = nodeOf(value, [])
    return tooLarge(JSON.stringify(value)) ? sizeProblem : { template }
  } catch (error) {
    if (error instanceof TemplateFault) return { problem: { message: error.message, path } }
    throw error
  }
}
