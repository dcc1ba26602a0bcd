// Which keys may stand at a place, read from the JSON Schema that zod writes, for zod's own insides are nobody's contract.
import { z } from 'zod'
import type { Path } from './problem.ts'

export interface JsonSchema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
}

/** What a user writes: input, not output. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' }) as JsonSchema

const branches = (root: JsonSchema, schema: JsonSchema): readonly JsonSchema[] => {
  const target =
    schema.$ref === undefined
      ? schema
      : schema.$ref === '#'
        ? root
        : (root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {})
  const inner = [...(target.anyOf ?? []), ...(target.oneOf ?? []), ...(target.allOf ?? [])]
  return [target, ...inner.flatMap((one) => branches(root, one))]
}

/** Of every form the value at `path` may have. */
export const keysAt = (root: JsonSchema, path: Path): readonly string[] => {
  let open = branches(root, root)
  for (const part of path) {
    open = open.flatMap((schema) => {
      if (typeof part === 'number') return schema.items === undefined ? [] : branches(root, schema.items)
      const named = schema.properties?.[part]
      if (named !== undefined) return branches(root, named)
      return typeof schema.additionalProperties === 'object'
        ? branches(root, schema.additionalProperties)
        : []
    })
  }
  return [...new Set(open.flatMap((schema) => Object.keys(schema.properties ?? {})))]
}
