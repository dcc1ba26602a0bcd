import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { rulesDeps } from '../../src/gateway/rules-deps.ts'
import { runSchema, schemaText } from '../../src/cli/schema.ts'
import { rulesJsonSchema } from '../../src/rules-file/json-schema.ts'
import { platforms } from './deps.ts'

interface Node {
  readonly title?: string
  readonly description?: string
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly anyOf?: readonly Node[]
  readonly items?: Node
  readonly allOf?: readonly Node[]
  readonly $defs?: Readonly<Record<string, Node>>
  readonly [key: string]: unknown
}

test('rules.schema.json is what `sluice schema` prints', () => {
  const file = readFileSync(new URL('../../rules.schema.json', import.meta.url), 'utf8')
  expect(file).toBe(schemaText(rulesDeps({}).platforms))
})

test('`sluice schema` prints the schema, and takes no arguments', () => {
  const written: string[] = []
  const io = { stdout: { write: (text: string) => written.push(text) }, stderr: { write: () => null } }
  expect(runSchema([], io, platforms)).toBe(0)
  expect(JSON.parse(written.join(''))).toEqual(rulesJsonSchema(platforms))
  expect(runSchema(['x'], io, platforms)).toBe(2)
})

describe('the JSON Schema', () => {
  const schema = rulesJsonSchema(platforms) as Node
  const site = schema.properties!['sites']!.items!

  test('is of draft 2020-12', () => {
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema')
  })

  test('gives every field of a site and its rules a title and a description', () => {
    const nameless: string[] = []
    const visit = (node: Node, path: string): void => {
      for (const [name, part] of Object.entries(node.properties ?? {})) {
        if (part.title === undefined || part.description === undefined) nameless.push(`${path}.${name}`)
        visit(part, `${path}.${name}`)
      }
      for (const part of node.anyOf ?? []) visit(part, path)
      if (node.items !== undefined) visit(node.items, path)
    }
    visit(site, '')
    visit(schema.$defs!['source']!, 'source')
    expect(nameless).toEqual([])
  })

  test('holds config to the settings of its platform, under each of its names', () => {
    const integration = site.properties!['integrations']!.items!
    expect(integration.allOf!.map((branch) => Object.values(branch))).toEqual([
      [
        { properties: { platform: { enum: ['alpha', 'a1'] } }, required: ['platform'] },
        { properties: { config: { $ref: '#/$defs/alpha-config' } } },
      ],
      [
        { properties: { platform: { enum: ['hook'] } }, required: ['platform'] },
        {
          properties: {
            config: { $ref: '#/$defs/hook-config' },
            // It has no form for visitors who refused.
            consent: { properties: { whenDenied: { enum: ['drop'] } } },
          },
        },
      ],
    ])
    expect(integration.allOf!.map((branch) => Object.keys(branch))).toEqual([
      ['if', 'then'],
      ['if', 'then'],
    ])
  })

  test('lets a secret stand wherever free text may, and nowhere else', () => {
    const { properties } = schema.$defs!['alpha-config']!
    expect(properties!['token']).toMatchObject({
      secret: true,
      anyOf: [{ type: 'string', minLength: 3 }, { $ref: '#/$defs/secret' }],
    })
    expect(properties!['mode']).toEqual({ type: 'string', enum: ['live', 'dry'] })
    const headers = schema.$defs!['hook-config']!.properties!['headers']!
    expect(headers['propertyNames']).toEqual({ type: 'string' })
    expect(headers['additionalProperties']).toEqual({
      anyOf: [{ type: 'string' }, { $ref: '#/$defs/secret' }],
    })
  })

  test('has no reference that leads nowhere', () => {
    const refs = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map(
      ([, name]) => name!,
    )
    expect(refs.length).toBeGreaterThan(10)
    for (const name of refs) expect(Object.keys(schema.$defs!)).toContain(name)
  })
})
