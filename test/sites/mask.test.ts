import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { HttpRequest } from '../../src/destinations/destination.ts'
import { webhook } from '../../src/destinations/webhook/index.ts'
import { maskRequest, maskSettings, secretPaths, secretValues } from '../../src/sites/mask.ts'

const secret = (): z.ZodString => z.string().meta({ secret: true })

interface Tree {
  readonly key: string
  readonly below: readonly Tree[]
}
const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ key: secret(), below: z.array(tree) }))

const schema = z.strictObject({
  id: z.string(),
  token: secret().optional(),
  fallback: z.string().default('x').meta({ secret: true }),
  keys: z.array(secret()),
  map: z.record(z.string(), secret()),
  either: z.union([z.strictObject({ password: secret() }), z.strictObject({ user: z.string() })]),
  deep: z.strictObject({ deeper: z.strictObject({ pin: secret(), note: z.string() }) }).optional(),
  tree: tree.optional(),
  free: z.unknown().optional(),
})

const settings = {
  id: 'shop',
  token: 'token-1',
  fallback: 'fallback-1',
  keys: ['key-1', 'key-2'],
  map: { a: 'value-1' },
  either: { password: 'password-1' },
  deep: { deeper: { pin: 'pin-1', note: 'note' } },
  tree: { key: 'root-1', below: [{ key: 'leaf-1', below: [] }] },
  free: { anything: ['goes'] },
}

describe('the secrets of settings', () => {
  test('stand where the schema marks them', () => {
    expect([...secretPaths(schema)].sort()).toEqual(
      ['deep.deeper.pin', 'either.password', 'fallback', 'keys[]', 'map.*', 'token', 'tree.key'].sort(),
    )
  })

  test('of a webhook are its credentials and the values of its headers', () => {
    expect([...secretPaths(webhook.settings)].sort()).toEqual([
      'auth.password',
      'auth.secret',
      'auth.secrets[]',
      'auth.token',
      'auth.value',
      'headers.*',
    ])
  })

  test('are hidden wherever they stand, and nothing else is', () => {
    expect(maskSettings(schema, settings)).toEqual({
      id: 'shop',
      token: '***',
      fallback: '***',
      keys: ['***', '***'],
      map: { a: '***' },
      either: { password: '***' },
      deep: { deeper: { pin: '***', note: 'note' } },
      tree: { key: '***', below: [{ key: '***', below: [] }] },
      free: { anything: ['goes'] },
    })
  })

  test('are listed, each once', () => {
    expect([...secretValues(schema, { ...settings, keys: ['key-1', 'key-1'] })].sort()).toEqual(
      ['fallback-1', 'key-1', 'leaf-1', 'password-1', 'pin-1', 'root-1', 'token-1', 'value-1'].sort(),
    )
  })

  test('are not confused with the place where they lie', () => {
    const referring = { ...settings, token: { $env: 'TOKEN' }, keys: [{ $file: '/run/key' }] }
    expect(maskSettings(schema, referring)).toMatchObject({
      token: { $env: 'TOKEN' },
      keys: [{ $file: '/run/key' }],
    })
    expect(secretValues(schema, referring)).not.toContain('TOKEN')
  })

  test('may hide under a mistyped name, so a key nobody knows is hidden too', () => {
    expect(maskSettings(schema, { ...settings, tokken: 'token-1' })).toMatchObject({ tokken: '***' })
    expect(
      maskSettings(webhook.settings, { url: 'https://a.example/', auth: { type: 'bearer', tokem: ['abc'] } }),
    ).toEqual({ url: 'https://a.example/', auth: { type: 'bearer', tokem: ['***'] } })
  })

  test('of a template are its fixed parts as well', () => {
    const values = secretValues(webhook.settings, {
      url: 'https://a.example/',
      headers: { 'X-Id': 'shop-4711/{{order_id}}' },
    })
    expect(values).toContain('shop-4711/')
  })

  test('leave the settings themselves as they were', () => {
    const before = structuredClone(settings)
    maskSettings(schema, settings)
    expect(settings).toEqual(before)
  })
})

const request = (part: Partial<HttpRequest>): HttpRequest => ({
  method: 'POST',
  url: 'https://a.example/',
  headers: {},
  body: '',
  ...part,
})

describe('a request that is shown', () => {
  const word = 'p/w+d="1 ü'

  test.each([
    ['as it is', word],
    ['percent-encoded', encodeURIComponent(word)],
    ['percent-encoded in lower case', encodeURIComponent(word).toLowerCase()],
    ['form-encoded', new URLSearchParams([['a', word]]).toString()],
    ['in a JSON text', JSON.stringify({ a: word })],
    ['in JSON within JSON', JSON.stringify({ a: JSON.stringify({ b: word }) })],
    ['in the base64 of a login', Buffer.from(`shop:${word}`).toString('base64')],
    ['in base64 at another offset', Buffer.from(`a:${word}:x`).toString('base64')],
    ['in base64url at a third', Buffer.from(`ab:${word}`).toString('base64url')],
  ])('holds no secret %s', (_, text) => {
    const shown = maskRequest(
      request({
        url: `https://a.example/?k=${text}&ok=1`,
        headers: { 'x-a': `1 ${text} 2` },
        body: `[${text}]`,
      }),
      [word],
    )
    for (const part of [shown.url, shown.headers['x-a'], shown.body]) {
      expect(part).toContain('***')
      expect(part).not.toContain(text)
    }
    expect(shown.url).toMatch(/^https:\/\/a\.example\/\?k=.*&ok=1$/)
  })

  test('hides headers that exist to carry secrets, whoever put them there', () => {
    const headers = {
      authorization: 'Bearer x',
      cookie: 'a=b',
      'x-api-key': 'k',
      'x-shop-token': 't',
      'webhook-signature': 'v1,abc',
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
    }
    expect(maskRequest(request({ headers }), []).headers).toEqual({
      authorization: '***',
      cookie: '***',
      'x-api-key': '***',
      'x-shop-token': '***',
      'webhook-signature': '***',
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
    })
  })

  test('stays readable when a header is as short as "1"', () => {
    const shown = maskRequest(request({ headers: { 'x-version': '1' }, body: '{"value":1}' }), ['1', ''])
    expect(shown).toMatchObject({ headers: { 'x-version': '***' }, body: '{"value":1}' })
  })

  test('hides the longer of two secrets before the one it begins with', () => {
    expect(
      maskRequest(request({ body: 'secret-and-more, secret' }), ['secret', 'secret-and-more']).body,
    ).toBe('***, ***')
  })

  test('does not spell a secret anew where a mask meets what was left', () => {
    expect(maskRequest(request({ body: '*abcabc' }), ['*abc']).body).not.toContain('*abc')
  })

  test('leaves no secret, whatever it looks like and whatever stands around it', () => {
    const marks = ['a', 'b', '*', '%', '/', '+', '"', ' ', 'ü', '\\', '😀', '=']
    const any = fc.string({ unit: fc.constantFrom(...marks) })
    const secretText = fc
      .string({ unit: fc.constantFrom(...marks), minLength: 4, maxLength: 12 })
      .filter((text) => /[^*]/.test(text))
    fc.assert(
      fc.property(
        fc.array(secretText, { minLength: 1, maxLength: 3 }),
        any,
        any,
        (secrets, before, after) => {
          const joined = secrets.join(before)
          const shown = maskRequest(
            request({
              url: `https://a.example/?q=${encodeURIComponent(joined)}`,
              headers: { 'x-a': `${before}${joined}${after}` },
              body: JSON.stringify({ text: `${before}${joined}${after}` }),
            }),
            secrets,
          )
          for (const hidden of secrets) {
            expect(shown.headers['x-a']).not.toContain(hidden)
            expect(shown.url).not.toContain(encodeURIComponent(hidden))
            expect(shown.body).not.toContain(JSON.stringify(hidden).slice(1, -1))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
