/**
 * A template and what it becomes. It is parsed first and filled afterwards, as a tree, and serialised once: no value can
 * break out of its place, whatever it holds, and what was filled in is never looked at again.
 *
 * Quotes decide the type. A bare `{{value}}` is a JSON value of its own type; inside a string it is text.
 */

export interface Placeholder {
  /** As written, for words: `user.email`, `content_ids[0]`. */
  readonly written: string
  readonly path: readonly (string | number)[]
  /** Applied in order. A step gets and gives `undefined` where there is no value. */
  readonly steps: readonly ((value: unknown) => unknown)[]
  readonly whenMissing: 'empty' | 'omit' | 'required'
  /** Inside a string: the value's JSON, not its text. */
  readonly asJson: boolean
}

/** Text with holes. */
export type Parts = readonly (string | Placeholder)[]

export type TemplateNode =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'placeholder'; readonly placeholder: Placeholder }
  | { readonly kind: 'text'; readonly parts: Parts }
  | { readonly kind: 'list'; readonly items: readonly TemplateNode[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [Parts, TemplateNode])[] }

export type Variables = Readonly<Record<string, unknown>>

export interface Rendered {
  readonly text: string
  /** `template_missing_variable: order_id`, `template_value_too_long: url`; `null` when all went well. */
  readonly problem: string | null
}

/** UTF-8 bytes of one text filled in. A longer one is an accident upstream, not a fact somebody wants. */
const maxTextBytes = 8 * 1024

/** Names through which a path would leave the data. */
const unsafeNames: ReadonlySet<string | number> = new Set(['__proto__', 'prototype', 'constructor'])

/** Nothing to fill in. JSON has no `NaN`, so that is nothing too; an empty text is a value. */
export const isMissing = (value: unknown): value is undefined | null =>
  value === undefined || value === null || (typeof value === 'number' && !Number.isFinite(value))

/** Numbers and booleans as JSON writes them, lists and objects as JSON. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '')

const lookUp = (variables: Variables, path: Placeholder['path']): unknown => {
  let value: unknown = variables
  for (const name of path) {
    if (typeof value !== 'object' || value === null || unsafeNames.has(name)) return undefined
    if (!Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string | number, unknown>>)[name]
  }
  return value
}

const omitted = Symbol('omitted')

/** Goes on after a problem, so that rendering is total; the first problem is the one that is told. */
const renderer = (variables: Variables) => {
  let problem: string | null = null

  const note = (code: string, { written }: Placeholder): undefined => {
    problem ??= `${code}: ${written}`
  }
  const bounded = (text: string, placeholder: Placeholder): string | undefined =>
    Buffer.byteLength(text) <= maxTextBytes ? text : note('template_value_too_long', placeholder)

  const resolve = (placeholder: Placeholder): unknown => {
    const found = lookUp(variables, placeholder.path)
    const value = placeholder.steps.reduce((carried, step) => step(carried), found)
    if (!isMissing(value)) return typeof value === 'string' ? bounded(value, placeholder) : value
    return placeholder.whenMissing === 'required' ? note('template_missing_variable', placeholder) : undefined
  }

  const text = (parts: Parts): string =>
    parts
      .map((part) => {
        if (typeof part === 'string') return part
        const value = resolve(part)
        if (isMissing(value)) return ''
        return bounded(part.asJson ? JSON.stringify(value) : textOf(value), part) ?? ''
      })
      .join('')

  /** A text that is one placeholder and nothing else can be left out; a mixture cannot. */
  const isOmitted = (node: TemplateNode): boolean => {
    const only =
      node.kind === 'placeholder'
        ? node.placeholder
        : node.kind === 'text' && node.parts.length === 1
          ? node.parts[0]
          : undefined
    return typeof only === 'object' && only.whenMissing === 'omit' && isMissing(resolve(only))
  }

  const value = (node: TemplateNode): unknown => {
    if (isOmitted(node)) return omitted
    switch (node.kind) {
      case 'literal':
        return node.value
      case 'placeholder': {
        const found = resolve(node.placeholder)
        return isMissing(found) ? null : found
      }
      case 'text':
        return text(node.parts)
      case 'list':
        return node.items.map(value).filter((item) => item !== omitted)
      case 'object':
        // `fromEntries` defines own properties: a key `__proto__` is a key. The last of two equal keys wins, as in JSON.parse.
        return Object.fromEntries(
          node.entries
            .map(([key, item]) => [text(key), value(item)] as const)
            .filter(([, item]) => item !== omitted),
        )
    }
  }

  return { text, value, problem: () => problem }
}

/** Always valid JSON. */
export const renderJson = (root: TemplateNode, variables: Variables): Rendered => {
  const render = renderer(variables)
  const value = render.value(root)
  return { text: JSON.stringify(value === omitted ? null : value), problem: render.problem() }
}

export const renderText = (parts: Parts, variables: Variables): Rendered => {
  const render = renderer(variables)
  const text = render.text(parts)
  return { text, problem: render.problem() }
}
