import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { integrationOf, startAdminScene } from '../support/admin.ts'

const hook = integrationOf('shop', { id: 'crm', platform: 'webhook', config: { url: 'http://127.0.0.1:9/' } })
const sites = [{ id: 'shop', integrations: [hook] }]

interface Document {
  readonly openapi: string
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly security: readonly object[]; readonly responses: object }>>
    >
  >
}

/** The value that makes a path of the document one that exists. */
const filled = (path: string): string =>
  path
    .replace('{siteId}', 'shop')
    .replace('{provider}', 'crm')
    .replace(/\{\w+\}/g, 'x')

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    await using it = await startAdminScene(sites)
    const { json } = await it.ask('GET', '/api/v1/openapi.json', { key: null })
    const result = await new Validator().validate(json)
    expect(result.errors ?? []).toEqual([])
    expect(json.openapi).toMatch(/^3\.1\./)
  })

  test('names routes that exist, and each asks for a key exactly where it says so', async () => {
    await using it = await startAdminScene(sites)
    const document = (await it.ask('GET', '/api/v1/openapi.json', { key: null })).json as Document
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        operation,
      })),
    )
    expect(operations.length).toBeGreaterThan(7)
    for (const { path, method, operation } of operations) {
      const without = await it.ask(method, filled(path), { key: null })
      expect([path, without.status === 401]).toEqual([path, operation.security.length > 0])
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
      const answer = await it.ask(method, filled(path), body)
      // Whatever it says, the route is there: no answer of the router's own.
      expect([path, answer.status, answer.json?.error ?? '']).not.toEqual([
        path,
        404,
        `There is no ${method} ${filled(path)}.`,
      ])
      expect(answer.status).toBeLessThan(500)
    }
    expect(it.faults).toEqual([])
  })
})
