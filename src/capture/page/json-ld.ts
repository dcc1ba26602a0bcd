/** JSON-LD blocks to a graph. Nothing is fetched: `@context` and `@id` are never followed off the page. */
import { createGraph, propertyName, typeName } from './graph.ts'
import type { Graph, GraphBuilder, Thing, Value } from './graph.ts'
import { repairJson } from './json-repair.ts'

export type BlockState = 'strict' | 'repaired' | 'invalid' | 'oversized'

const deepest = 16

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Members beyond which a block is not parsed: parsing is one uninterruptible act, and this bounds it to milliseconds. */
const mostMembers = 24_576

const isTooMuch = (text: string): boolean => {
  let members = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x2c || code === 0x5b || code === 0x7b) members += 1
  }
  return members > mostMembers
}

const parse = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const typesOf = (json: Json | undefined): string[] =>
  (Array.isArray(json) ? json : [json])
    .filter((type) => typeof type === 'string')
    .slice(0, 8)
    .map(typeName)

/** Values of a property: lists flattened, `@value` and `@list` unwrapped, nulls dropped. */
const collect = (graph: GraphBuilder, json: Json | undefined, depth: number, into: Value[]): void => {
  if (json === undefined || json === null || depth > deepest || graph.full) return
  if (typeof json !== 'object') into.push({ leaf: json, mode: 'machine' })
  else if (Array.isArray(json)) for (const item of json) collect(graph, item, depth + 1, into)
  else {
    const object = json as { readonly [key: string]: Json }
    for (const wrapper of ['@value', '@list', '@set']) {
      if (Object.hasOwn(object, wrapper)) return collect(graph, object[wrapper], depth + 1, into)
    }
    into.push(toThing(graph, object, depth))
  }
}

const toThing = (graph: GraphBuilder, object: { readonly [key: string]: Json }, depth: number): Thing => {
  const own = (key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined)
  const id = own('@id')
  const props = new Map<string, Value[]>()
  const thing = { types: typesOf(own('@type')), id: typeof id === 'string' ? id : null, props }
  graph.add(thing)
  for (const key of Object.keys(object)) {
    if (key.startsWith('@')) continue
    const name = propertyName(key)
    const values = props.get(name) ?? []
    collect(graph, object[key], depth + 1, values)
    if (values.length > 0) props.set(name, values)
  }
  graph.index(thing)
  return thing
}

const addRoots = (graph: GraphBuilder, json: Json, depth: number): void => {
  if (json === null || typeof json !== 'object' || depth > deepest || graph.full) return
  if (Array.isArray(json)) {
    for (const item of json) addRoots(graph, item, depth + 1)
    return
  }
  const object = json as { readonly [key: string]: Json }
  if (Object.keys(object).some((key) => key !== '@context' && key !== '@graph')) {
    graph.addRoot(toThing(graph, object, depth))
  }
  const members = Object.hasOwn(object, '@graph') ? object['@graph'] : undefined
  if (members !== undefined) addRoots(graph, members, depth + 1)
}

/** Blocks are fed one at a time, so that the caller can let the event loop breathe between them. */
export const createJsonLdReader = () => {
  const strict = createGraph()
  const repaired = createGraph()
  return {
    /** Reads the text of one script; never throws. */
    read(text: string): BlockState {
      if (isTooMuch(text)) return 'oversized'
      const plain = parse(text)
      if (plain !== undefined) {
        addRoots(strict, plain, 0)
        return 'strict'
      }
      const mended = repairJson(text)
      const json = mended === null ? undefined : parse(mended.text)
      if (mended === null || json === undefined) return 'invalid'
      addRoots(mended.defective ? repaired : strict, json, 0)
      return mended.defective ? 'repaired' : 'strict'
    },
    /** Repaired blocks apart: no strict reader, and so nobody at the shop, has ever checked what they say. */
    graphs: (): { readonly strict: Graph; readonly repaired: Graph } => ({
      strict: strict.done(),
      repaired: repaired.done(),
    }),
  }
}
