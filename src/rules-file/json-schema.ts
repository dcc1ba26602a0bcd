// The JSON Schema of the rules file, for editors: completion and help while one types.
import { z } from 'zod'
import { secretReferenceSchema } from '../sites/integration.ts'
import { jsonSchemaOf } from './known-keys.ts'
import { rulesFileSchema } from './schema.ts'
import type { Platforms } from './schema.ts'

interface Node {
  [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const secret = { $ref: '#/$defs/secret' }
/** Beside a schema's form: what it says to people. */
const annotations: ReadonlySet<string> = new Set(['title', 'description', 'examples', 'default', 'secret'])

const moved = (value: unknown, prefix: string): unknown => {
  if (Array.isArray(value)) return value.map((part) => moved(part, prefix))
  if (!isNode(value)) return value
  const parts = Object.entries(value).flatMap(([key, part]): [string, unknown][] => {
    if (key === '$schema') return []
    if (key === '$ref' && typeof part === 'string')
      return [[key, part === '#' ? prefix : part.replace('#/$defs/', `${prefix}/$defs/`)]]
    // Names of properties are no keywords.
    if (key === 'properties' && isNode(part))
      return [
        [key, Object.fromEntries(Object.entries(part).map(([name, one]) => [name, moved(one, prefix)]))],
      ]
    if (key === 'examples' || key === 'default' || key === 'enum' || key === 'const') return [[key, part]]
    return [[key, moved(part, prefix)]]
  })
  const node: Node = Object.fromEntries(parts)
  // A reference to a secret may stand wherever a free text may.
  if (node['type'] !== 'string' || 'enum' in node || 'const' in node) return node
  const entries = Object.entries(node)
  const said = entries.filter(([key]) => annotations.has(key))
  const form = entries.filter(([key]) => !annotations.has(key))
  return { ...Object.fromEntries(said), anyOf: [Object.fromEntries(form), secret] }
}

/** Names of properties are free; a secret cannot stand in their place. */
const settingsSchema = (settings: z.ZodType, prefix: string): unknown => {
  const schema = moved(jsonSchemaOf(settings), prefix)
  const plainNames = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plainNames)
    if (!isNode(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [
        key,
        key === 'propertyNames' && isNode(part) && Array.isArray(part['anyOf'])
          ? part['anyOf'][0]
          : plainNames(part),
      ]),
    )
  }
  return plainNames(schema)
}

/** A platform without a form for visitors who refused. */
const dropOnly = { properties: { whenDenied: { enum: ['drop'] } } }

/** Draft 2020-12; `config` is held to the settings of the integration's platform. */
export const rulesJsonSchema = (platforms: Platforms): unknown => {
  const schema = structuredClone(jsonSchemaOf(rulesFileSchema)) as Node
  const names = Object.keys(platforms)
  const defs: Node = {
    secret: z.toJSONSchema(secretReferenceSchema, { io: 'input' }),
    ...Object.fromEntries(
      names.map((name) => [
        `${name}-config`,
        settingsSchema(platforms[name]?.settings ?? z.unknown(), `#/$defs/${name}-config`),
      ]),
    ),
  }
  const { $schema: _, ...secretForm } = defs['secret'] as Node
  defs['secret'] = secretForm
  const byPlatform = names.map((name) => {
    const written = [name, ...(platforms[name]?.aliases ?? [])]
    return Object.fromEntries([
      ['if', { properties: { platform: { enum: written } }, required: ['platform'] }],
      [
        // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word
        'then',
        {
          properties: {
            config: { $ref: `#/$defs/${name}-config` },
            ...(platforms[name]?.flagged === undefined ? { consent: dropOnly } : {}),
          },
        },
      ],
    ])
  })

  const decorate = (value: unknown): void => {
    if (Array.isArray(value)) for (const part of value) decorate(part)
    if (!isNode(value)) return
    if (value['title'] === 'Integration' && isNode(value['properties'])) {
      value['allOf'] = byPlatform
      return
    }
    for (const part of Object.values(value)) decorate(part)
  }
  decorate(schema)
  const own = isNode(schema['$defs']) ? schema['$defs'] : {}
  // Not of the standard: editors of the VS Code family read it.
  return { ...schema, allowTrailingCommas: true, $defs: { ...own, ...defs } }
}
