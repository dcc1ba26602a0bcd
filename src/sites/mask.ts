import { z } from 'zod'
import type { HttpRequest } from '../destinations/destination.ts'
import { isSecretReference } from './secrets.ts'

/**
 * Hides secrets in what is shown: settings by the `secret` mark of their own schema, requests by value. Nothing of a secret
 * is left, not even its end: four characters are a good part of a short one.
 */

const mask = '***'

/** The part of JSON Schema that zod writes for settings. Read in this form because zod's own insides are nobody's contract. */
interface SchemaNode {
  readonly secret?: boolean
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, SchemaNode>>
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly prefixItems?: readonly SchemaNode[]
  readonly anyOf?: readonly SchemaNode[]
  readonly oneOf?: readonly SchemaNode[]
  readonly allOf?: readonly SchemaNode[]
}

const schemas = new WeakMap<z.ZodType, SchemaNode>()

const jsonSchemaOf = (schema: z.ZodType): SchemaNode => {
  const known = schemas.get(schema)
  if (known !== undefined) return known
  const written = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode
  schemas.set(schema, written)
  return written
}

/** A node with its alternatives: what stands at one place in the settings. References are followed once each. */
const variants = (
  node: SchemaNode,
  root: SchemaNode,
  seen: ReadonlySet<SchemaNode> = new Set(),
): SchemaNode[] => {
  if (seen.has(node)) return []
  const met = new Set(seen).add(node)
  const target = node.$ref === '#' ? root : root.$defs?.[node.$ref?.replace('#/$defs/', '') ?? '']
  const others = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]
  return [
    node,
    ...[...others, ...(target === undefined ? [] : [target])].flatMap((other) => variants(other, root, met)),
  ]
}

const isSecret = (nodes: readonly SchemaNode[]): boolean => nodes.some((node) => node.secret === true)

/** `null`: no alternative has such a property. */
const below = (nodes: readonly SchemaNode[], key: string): readonly SchemaNode[] | null => {
  const found = nodes.flatMap((node) => {
    if (node.properties !== undefined && Object.hasOwn(node.properties, key))
      return [node.properties[key] ?? {}]
    return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []
  })
  const open = nodes.every((node) => node.properties === undefined || node.additionalProperties !== false)
  return found.length > 0 ? found : open ? [] : null
}

const elements = (nodes: readonly SchemaNode[]): readonly SchemaNode[] =>
  nodes.flatMap((node) => [...(node.items === undefined ? [] : [node.items]), ...(node.prefixItems ?? [])])

/** Where secrets stand: `auth.token`, `headers.*`, `auth.secrets[]`. */
export const secretPaths = (schema: z.ZodType): readonly string[] => {
  const root = jsonSchemaOf(schema)
  const walk = (nodes: readonly SchemaNode[], path: string, above: readonly SchemaNode[]): string[] => {
    const here = nodes.flatMap((node) => variants(node, root)).filter((node) => !above.includes(node))
    if (isSecret(here)) return [path]
    const inside = [...above, ...here]
    const join = (name: string): string => (path === '' ? name : `${path}.${name}`)
    return here.flatMap((node) => [
      ...Object.entries(node.properties ?? {}).flatMap(([name, child]) => walk([child], join(name), inside)),
      ...(typeof node.additionalProperties === 'object'
        ? walk([node.additionalProperties], join('*'), inside)
        : []),
      ...elements([node]).flatMap((child) => walk([child], `${path}[]`, inside)),
    ])
  }
  return [...new Set(walk([root], '', []))]
}

type Path = readonly (string | number)[]
type Visit = (secret: string, path: Path) => unknown

const leaves = (value: unknown, visit: Visit, path: Path): unknown => {
  if (value === null || value === undefined || isSecretReference(value)) return value
  if (Array.isArray(value)) return value.map((item, index) => leaves(item, visit, [...path, index]))
  if (typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, leaves(item, visit, [...path, key])]),
    )
  return visit(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), path)
}

/**
 * A copy with every secret passed through `visit`. A key the schema does not know counts as secret: it may be a secret whose
 * name somebody mistyped.
 */
const walkSettings = (schema: z.ZodType, settings: unknown, visit: Visit): unknown => {
  const root = jsonSchemaOf(schema)
  const walk = (nodes: readonly SchemaNode[], value: unknown, path: Path): unknown => {
    const here = nodes.flatMap((node) => variants(node, root))
    if (isSecret(here)) return leaves(value, visit, path)
    if (Array.isArray(value)) {
      const inside = elements(here)
      return value.map((item, index) => walk(inside, item, [...path, index]))
    }
    if (typeof value !== 'object' || value === null || isSecretReference(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const child = below(here, key)
        const place = [...path, key]
        return [key, child === null ? leaves(item, visit, place) : walk(child, item, place)]
      }),
    )
  }
  return walk([root], settings, [])
}

/** Settings fit to be shown. References to a secret's place stay: they say where it lies, not what it is. */
export const maskSettings = (schema: z.ZodType, settings: unknown): unknown =>
  walkSettings(schema, settings, () => mask)

/** What stands at a place, if the lists on the way are as long as those of `beside`: in another list another entry is meant. */
const alike = (value: unknown, beside: unknown, path: Path): unknown => {
  let found = value
  let next = beside
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined
    if (typeof next !== 'object' || next === null) return undefined
    if (Array.isArray(found) && (!Array.isArray(next) || found.length !== next.length)) return undefined
    found = (found as Record<string | number, unknown>)[part]
    next = (next as Record<string | number, unknown>)[part]
  }
  return found
}

/**
 * Settings as they were shown and came back: every masked secret is again what `stored` holds at its place. `missing` are
 * the places of masks for which there is nothing.
 */
export const restoreSecrets = (
  schema: z.ZodType,
  settings: unknown,
  stored: unknown,
): { readonly settings: unknown; readonly missing: readonly Path[] } => {
  const missing: Path[] = []
  const restored = walkSettings(schema, settings, (secret, path) => {
    const given = alike(settings, settings, path)
    if (secret !== mask) return given
    const known = alike(stored, settings, path)
    if (known !== undefined && known !== null && typeof known !== 'object') return known
    missing.push(path)
    return given
  })
  return { settings: restored, missing }
}

const placeholder = /\{\{.*?\}\}/gs

/** Every secret text in settings, for {@link maskRequest}. Of a template the fixed parts count, because they are what is sent. */
export const secretValues = (schema: z.ZodType, settings: unknown): readonly string[] => {
  const found = new Set<string>()
  walkSettings(schema, settings, (secret) => {
    for (const text of [secret, ...secret.split(placeholder)]) if (text.trim() !== '') found.add(text)
    return secret
  })
  return [...found]
}

/** Shorter texts are no secrets worth the name, and hiding every "1" would leave nothing to read. */
const shortestSecret = 4

/** A text inside base64 looks different at each of three offsets; its own bytes decide all but the first and last characters. */
const insideBase64 = (secret: string): string[] => {
  const bytes = Buffer.from(secret, 'utf8')
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const from = Math.ceil((offset * 8) / 6)
    const to = Math.floor(((offset + bytes.length) * 8) / 6)
    const text = whole.slice(from, to)
    return [text, text.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

const lowerEscapes = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())

/** How a secret may stand in a request. */
const spellings = (secret: string): readonly string[] => {
  const encoded = encodeURIComponent(secret.toWellFormed())
  const strict = encoded.replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
  const form = new URLSearchParams([['', secret]]).toString().slice(1)
  const json = JSON.stringify(secret).slice(1, -1)
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    ...[encoded, strict, form, encodeURI(secret.toWellFormed())].flatMap((text) => [
      text,
      lowerEscapes(text),
    ]),
    ...(Buffer.byteLength(secret) >= 6 ? insideBase64(secret) : []),
  ]
}

/** A mask next to what was left may spell a secret anew, so it goes round until none is there; each round uses characters up. */
const hideIn = (text: string, hidden: readonly string[]): string => {
  let masked = text
  for (;;) {
    const before = masked
    for (const secret of hidden) masked = masked.replaceAll(secret, mask)
    if (masked === before) return masked
  }
}

const secretHeader =
  /^(authorization|proxy-authorization|cookie|x-api-key)$|token|secret|key|signature|password/i

/** By the list itself: an integration hands in the same one with every request. */
const hiddenOf = new WeakMap<readonly string[], readonly string[]>()

/** Longest first, so that a part of a secret never uncovers the rest. */
const everySpelling = (secrets: readonly string[]): readonly string[] => {
  const known = hiddenOf.get(secrets)
  if (known !== undefined) return known
  const long = secrets.filter((secret) => secret.length >= shortestSecret)
  const hidden = [...new Set(long.flatMap(spellings))]
    .filter((text) => text.length >= shortestSecret && /[^*]/.test(text))
    .sort((a, b) => b.length - a.length)
  hiddenOf.set(secrets, hidden)
  return hidden
}

/**
 * A request fit to be shown: every secret of four characters or more is gone from address, headers and body, in every
 * spelling that stands there, and headers that exist to carry secrets are hidden whole.
 */
export const maskRequest = (request: HttpRequest, secrets: readonly string[]): HttpRequest => {
  const hidden = everySpelling(secrets)
  return {
    ...request,
    url: hideIn(request.url, hidden),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [
        name,
        secretHeader.test(name) || secrets.includes(value) ? mask : hideIn(value, hidden),
      ]),
    ),
    body: hideIn(request.body, hidden),
  }
}
