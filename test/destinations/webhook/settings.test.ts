import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { webhookSettings } from '../../../src/destinations/webhook/settings.ts'

const url = 'https://crm.example.com/hook'
const signing = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const problems = (settings: unknown): readonly string[] => {
  const result = webhookSettings.safeParse(settings)
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('settings that are taken', () => {
  test('an address is enough', () => {
    expect(webhookSettings.parse({ url })).toEqual({
      url,
      method: 'POST',
      headers: {},
      auth: { type: 'none' },
      allowPlainPii: false,
    })
  })
  test.each([
    ['a plain http address', { url: 'http://10.0.0.5:8080/hook' }],
    ['a body as JSON', { url, body: { type: '{{event_type}}', amount: '{{value}}', order: '{{order_id}}' } }],
    [
      'a body as text',
      {
        url,
        body: '{"event":"{{event_type}}","id":"{{event_id}}","at":"{{event_time_iso}}","order":"{{order_id | omit}}","amount":{"value":{{value | default: 0}},"currency":{{currency | default: "EUR"}}},"skus":{{content_ids | default: []}},"user":{"email_hash":"{{email_sha256 | omit}}"}}',
      },
    ],
    ['a body that is null', { url, body: null }],
    [
      'headers with placeholders',
      { url, headers: { 'X-Event': '{{event_type}}', 'content-type': 'application/vnd.x+json' } },
    ],
    ['bearer', { url, auth: { type: 'bearer', token: 'abc' } }],
    ['basic', { url, auth: { type: 'basic', username: 'shop', password: 'a:b ü' } }],
    ['hmac', { url, auth: { type: 'hmac', secret: 'x', header: 'X-Hub-Signature-256' } }],
    ['a signature', { url, auth: { type: 'signature', secret: signing } }],
    ['two signatures', { url, auth: { type: 'signature', secrets: [signing, signing.toLowerCase()] } }],
    ['an API key', { url, auth: { type: 'api_key', header: 'X-Key', value: 'abc' } }],
    [
      'every variable family',
      {
        url,
        body: [
          '{{user.email}}',
          '{{click_ids.gclid}}',
          '{{cookies.fbp}}',
          '{{consent.granted[0]}}',
          '{{contents[0].id}}',
          '{{custom.plan}}',
        ],
      },
    ],
  ])('%s', (_, settings) => {
    expect(problems(settings)).toEqual([])
  })
})

describe('settings that are refused, with a place and the right form', () => {
  test.each<[string, unknown, string]>([
    ['no address', {}, 'url: '],
    ['a relative address', { url: '/hook' }, 'url: an https:// or http:// address'],
    ['another scheme', { url: 'ftp://crm.example.com/' }, 'url: an https:// or http:// address'],
    ['a login in the address', { url: 'https://a:b@crm.example.com/' }, 'url: use "auth"'],
    [
      'a placeholder in the address',
      { url: 'https://{{host}}/' },
      'url: an address cannot hold placeholders',
    ],
    ['another method', { url, method: 'GET' }, 'method: '],
    ['an unknown key', { url, methode: 'PUT' }, ': Unrecognized key'],
    [
      'a header the gateway owns',
      { url, headers: { 'Content-Length': '1' } },
      'headers.Content-Length: "Content-Length" is set by the gateway',
    ],
    [
      'a forged id',
      { url, headers: { 'Webhook-Id': '1' } },
      'headers.Webhook-Id: "Webhook-Id" is set by the gateway',
    ],
    ['a hidden hop', { url, headers: { 'x-gateway-hop': '' } }, 'headers.x-gateway-hop: '],
    ['a header with a space', { url, headers: { 'X A': '1' } }, 'headers.X A: a header is a name'],
    ['a header with two lines', { url, headers: { 'X-A': 'a\r\nb: c' } }, 'headers.X-A: printable ASCII'],
    [
      'a header twice',
      { url, headers: { 'X-A': '1', 'x-a': '2' } },
      'headers.x-a: this header is there twice',
    ],
    [
      'a header that auth sets',
      { url, headers: { AUTHORIZATION: 'x' }, auth: { type: 'bearer', token: 'y' } },
      'headers.AUTHORIZATION: "auth" sets this header already',
    ],
    [
      'too many headers',
      { url, headers: Object.fromEntries(Array.from({ length: 31 }, (_, n) => [`X-${n}`, '1'])) },
      'headers: at most 30',
    ],
    ['too long headers', { url, headers: { 'X-A': 'x'.repeat(8200) } }, 'headers: at most 8192 bytes'],
    [
      'an unknown variable in a header',
      { url, headers: { 'X-A': '{{evnt_type}}' } },
      'headers.X-A: there is no variable "evnt_type"; did you mean "event_type"?',
    ],
    [
      'a camel-case variable',
      { url, body: '{{orderId}}' },
      'body: line 1, column 3: there is no variable "orderId"; did you mean "order_id"?',
    ],
    [
      'an unknown part of a variable',
      { url, body: { a: ['{{user.emial}}'] } },
      'body.a.0: there is no variable "user.emial"; did you mean "email"?',
    ],
    ['something below a plain variable', { url, body: '{{value.amount}}' }, '"value" has nothing below it'],
    [
      'a broken template',
      { url, body: '{\n  "v": {{value}},\n}' },
      'body: line 3, column 1: a key in double quotes expected',
    ],
    ['auth without a type', { url, auth: { token: 'x' } }, 'auth.type: '],
    ['auth of another kind', { url, auth: { type: 'oauth' } }, 'auth.type: '],
    ['an empty token', { url, auth: { type: 'bearer', token: '' } }, 'auth.token: '],
    ['a token of two lines', { url, auth: { type: 'bearer', token: 'a\nb' } }, 'auth.token: printable ASCII'],
    [
      'a user name with a colon',
      { url, auth: { type: 'basic', username: 'a:b', password: '' } },
      'auth.username: a user name holds no colon',
    ],
    [
      'a signing secret that is too short',
      { url, auth: { type: 'signature', secret: 'whsec_abcd' } },
      'auth.secret: "whsec_" and 24 to 64 bytes',
    ],
    ['no signing secret', { url, auth: { type: 'signature' } }, 'auth.secret: a signing secret is needed'],
    [
      'an HMAC in a header of the gateway',
      { url, auth: { type: 'hmac', secret: 'x', header: 'Host' } },
      'auth.header: "Host" is set by the gateway',
    ],
  ])('%s', (_, settings, problem) => {
    expect(problems(settings).find((found) => found.includes(problem))).toBeDefined()
  })

  test('all at once', () => {
    expect(
      problems({
        url: 'x',
        method: 'GET',
        body: '{{valu}}',
        headers: { host: 'x' },
        auth: { type: 'bearer' },
      }),
    ).toHaveLength(5)
  })

  test('without ever repeating a secret', () => {
    for (const auth of [
      { type: 'bearer', token: 'top\nsecret' },
      { type: 'signature', secret: 'whsec_topsecret' },
      { type: 'hmac', secret: 17, header: 'a b' },
    ])
      expect(problems({ url, auth, headers: { 'X-A': 'top\nsecret {{' } }).join()).not.toMatch(/top|17/)
  })
})

test('the schema documents itself', () => {
  const { properties } = z.toJSONSchema(webhookSettings, { io: 'input' })
  expect(properties).toMatchObject({
    url: { title: 'Address', examples: ['https://crm.example.com/hooks/orders'] },
    headers: { additionalProperties: { secret: true } },
    allowPlainPii: { default: false },
  })
})
