/** The forms that Google's interfaces take, as small checks; written from its papers, like the rest of the stand-in. */

export type Json = Readonly<Record<string, unknown>>

export interface Violation {
  /** Such as `events[0].eventTimestamp`. */
  readonly field: string
  readonly description: string
  readonly reason?: string
}

export type Check = (value: unknown, path: string) => Violation | null

export const violation = (field: string, description: string, reason = 'INVALID_FORMAT'): Violation => ({
  field,
  description,
  reason,
})

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const when =
  (holds: (value: unknown) => boolean, description: string, reason?: string): Check =>
  (value, path) =>
    holds(value) ? null : violation(path, description, reason)

export const text = (pattern = /^[^]+$/, reason?: string): Check =>
  when((value) => typeof value === 'string' && pattern.test(value), `must be a text like ${pattern}`, reason)
export const number = when((value) => typeof value === 'number' && Number.isFinite(value), 'must be a number')
export const integer = when(Number.isSafeInteger, 'must be an integer')
export const flag = when((value) => typeof value === 'boolean', 'must be true or false')
export const oneOf = (...words: readonly string[]): Check =>
  when((value) => words.includes(value as string), `must be one of ${words.join(', ')}`)
export const digest = text(/^[0-9a-f]{64}$/, 'INVALID_SHA256_FORMAT')

export const list =
  (each: Check, { max, reason }: { readonly max: number; readonly reason?: string }): Check =>
  (value, path) => {
    if (!Array.isArray(value) || value.length === 0)
      return violation(path, 'must be a list that is not empty', 'REQUIRED_FIELD_MISSING')
    if (value.length > max) return violation(path, `holds more than ${max}`, reason)
    for (const [index, item] of value.entries()) {
      const found = each(item, `${path}[${index}]`)
      if (found !== null) return found
    }
    return null
  }

/** A member that is not named is an error, and so is a null. */
export const object =
  (members: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value, path) => {
    const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
    if (!isObject(value)) return violation(path, 'must be an object')
    for (const [name, member] of Object.entries(value)) {
      const check = Object.hasOwn(members, name) ? members[name] : undefined
      const found =
        check === undefined
          ? violation(at(name), `Unknown name "${name}": Cannot find field.`)
          : check(member, at(name))
      if (found !== null) return found
    }
    const missing = required.find((name) => value[name] === undefined)
    return missing === undefined ? null : violation(at(missing), 'is required', 'REQUIRED_FIELD_MISSING')
  }

export const exactlyOne =
  (names: readonly string[]): Check =>
  (value, path) =>
    isObject(value) && names.filter((name) => value[name] !== undefined).length === 1
      ? null
      : violation(path, `must hold exactly one of ${names.join(', ')}`)

export const both =
  (...checks: readonly Check[]): Check =>
  (value, path) => {
    for (const check of checks) {
      const found = check(value, path)
      if (found !== null) return found
    }
    return null
  }
