/** What scripts push to a data layer. The scripts are read as text and never run. */
import type { LookupValue } from './facts.ts'
import { readLiteral } from './literal.ts'
import type { Literal } from './literal.ts'

type Entry = ReadonlyMap<string, Literal>

const longestCall = 65_536
const mostCalls = 256
const lookBehind = 2048
/** Characters read in all, so that calls within calls cost no more than calls in a row. */
const mostRead = 524_288
const call = /\bdataLayer\s*\.\s*push\s*\(|\bdataLayer\s*=\s*(?=\[)|\bgtag\s*\(/g

const isEntry = (value: Literal | undefined): value is Entry => value instanceof Map

/** A push that is commented out was never made. */
const commentedOut = (script: string, at: number): boolean => {
  const before = script.slice(Math.max(0, at - lookBehind), at)
  const line = before.slice(before.lastIndexOf('\n') + 1)
  if (/(?:^|[^:'"])\/\//.test(line)) return true
  const opened = before.lastIndexOf('/*')
  return opened >= 0 && before.lastIndexOf('*/') < opened
}

const argumentsOf = (
  script: string,
  from: number,
): { readonly values: readonly (Literal | undefined)[]; readonly length: number } => {
  const text = script.slice(from, from + longestCall)
  const values: (Literal | undefined)[] = []
  let at = 0
  while (at < text.length && values.length < 16) {
    const { value, end } = readLiteral(text, at)
    values.push(value)
    at = end + 1
    if (text[end] !== ',') break
  }
  return { values, length: at }
}

/** `gtag('event', 'purchase', { … })` is the entry `{ event: 'purchase', … }`. */
const taggedEvent = ([command, name, params]: readonly (Literal | undefined)[]): Entry[] =>
  command === 'event' && typeof name === 'string' && isEntry(params)
    ? [new Map([['event', name], ...params])]
    : []

/** Entries of one script, in the order in which they stand there. */
export const readEntries = (script: string): readonly Entry[] => {
  const entries: Entry[] = []
  let calls = 0
  let read = 0
  for (const found of script.matchAll(call)) {
    calls += 1
    if (calls > mostCalls || read > mostRead) break
    if (commentedOut(script, found.index)) continue
    const { values, length } = argumentsOf(script, found.index + found[0].length)
    read += length
    if (found[0].startsWith('gtag')) entries.push(...taggedEvent(values))
    else entries.push(...values.flatMap((value) => (Array.isArray(value) ? value : [value])).filter(isEntry))
  }
  return entries
}

const follow = (value: Literal | undefined, path: readonly string[]): LookupValue => {
  if (value === undefined || value === null) return null
  const [name, ...rest] = path
  if (Array.isArray(value)) {
    const items = value as readonly Literal[]
    if (name !== undefined && /^\d{1,4}$/.test(name)) return follow(items[Number(name)], rest)
    const found = items.slice(0, 100).flatMap((item) => {
      const inner = follow(item, path)
      return typeof inner === 'string' || typeof inner === 'number' ? [inner] : []
    })
    return found.length === 0 ? null : found
  }
  if (isEntry(value)) return name === undefined ? null : follow(value.get(name), rest)
  return name === undefined ? (value as string | number | boolean) : null
}

/** A path such as `ecommerce.items.item_id`; through a list it answers with a list. The last entry that has it wins. */
export const lookUpEntry = (entries: readonly Entry[], path: string): LookupValue => {
  const names = path.split('.').map((name) => name.trim())
  for (const entry of entries.toReversed()) {
    const found = follow(entry, names)
    if (found !== null) return found
  }
  return null
}
