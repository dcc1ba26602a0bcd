import { alreadyHashed, hash, type Normalised } from '../../event/hashed.ts'
import { isMissing, textOf } from './template.ts'

/** What stands behind a `|` in a placeholder: a small fixed set, no code. */
export type Filter =
  | { readonly kind: 'step'; readonly step: (value: unknown) => unknown }
  | { readonly kind: 'missing'; readonly whenMissing: 'omit' | 'required' }
  | { readonly kind: 'json' }

/** A step on a value that is there, in its text form. */
const onText =
  (transform: (text: string) => unknown) =>
  (value: unknown): unknown =>
    isMissing(value) ? undefined : transform(textOf(value))

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

const toNumber = (value: unknown): unknown => {
  if (typeof value === 'number') return value
  const text = typeof value === 'string' ? value.trim() : ''
  return jsonNumber.test(text) ? Number(text) : undefined
}

/** Trimmed and in lower case before it is hashed. Of nothing there is no hash, because all empty texts would be one person. */
const toHash = (text: string): unknown => {
  const normalised = text.trim().toLowerCase()
  if (normalised === '') return undefined
  return alreadyHashed(normalised) ?? hash(normalised as Normalised)
}

const plainFilters: Readonly<Record<string, Filter>> = {
  omit: { kind: 'missing', whenMissing: 'omit' },
  required: { kind: 'missing', whenMissing: 'required' },
  json: { kind: 'json' },
  string: { kind: 'step', step: onText((text) => text) },
  number: { kind: 'step', step: toNumber },
  lower: { kind: 'step', step: onText((text) => text.toLowerCase()) },
  upper: { kind: 'step', step: onText((text) => text.toUpperCase()) },
  trim: { kind: 'step', step: onText((text) => text.trim()) },
  sha256: { kind: 'step', step: onText(toHash) },
}

export const filterNames: readonly string[] = ['default', ...Object.keys(plainFilters)]

export const takesArgument = (name: string): boolean => name === 'default'

/** `null` for a name that is no filter. */
export const filterNamed = (name: string, argument: unknown): Filter | null => {
  if (name === 'default') return { kind: 'step', step: (value) => (isMissing(value) ? argument : value) }
  return Object.hasOwn(plainFilters, name) ? (plainFilters[name] ?? null) : null
}
