import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bodySignature,
  messageId,
  signingKey,
  standardSignature,
} from '../../../src/destinations/webhook/sign.ts'
import { vectors } from './jsonl.ts'

interface Vector {
  name: string
  secrets: string[]
  id: string
  timestamp: number
  body: string
  signature: string
}

describe('a Standard Webhooks signature', () => {
  test.each(vectors<Vector>('signatures'))('of $name', ({ secrets, id, timestamp, body, signature }) => {
    expect(standardSignature(secrets, { id, timestamp, body })).toBe(signature)
  })
})

describe('a signing secret', () => {
  const secret = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`
  test.each([
    ['24 bytes', secret(24), 24],
    ['64 bytes', secret(64), 64],
    ['no prefix', secret(32).slice(6), 32],
  ])('of %s is a key', (_, text, length) => {
    expect(signingKey(text)?.length).toBe(length)
  })
  test.each([
    ['23 bytes', secret(23)],
    ['65 bytes', secret(65)],
    ['words', 'whsec_correct horse battery staple!'],
    ['a private key', 'whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['nothing', 'whsec_'],
  ])('of %s is none', (_, text) => {
    expect(signingKey(text)).toBeNull()
  })
})

test('a body signed in GitHub’s way has the signature GitHub publishes', () => {
  expect(bodySignature('sha256', "It's a Secret to Everybody", 'Hello, World!')).toBe(
    'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  )
})

describe('the id of a message', () => {
  test.each([
    ['0f1e2d3c4b5a69788796a5b4c3d2e1f0', 'msg_0f1e2d3c4b5a69788796a5b4c3d2e1f0'],
    ['01997d3e-7c1a-7f00-8000-0123456789ab', 'msg_01997d3e-7c1a-7f00-8000-0123456789ab'],
    ['order.4711', 'msg_order%2E4711'],
    ['a b\r\nc', 'msg_a%20b%0D%0Ac'],
    ['ü(1)', 'msg_%C3%BC%281%29'],
  ])('of %j is %s', (eventId, id) => {
    expect(messageId(eventId)).toBe(id)
  })
  test('holds no dot, fits a header, and differs where events differ', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(messageId(a)).toMatch(/^msg_[\w%-]*$/)
        expect(messageId(a) === messageId(b)).toBe(a === b)
      }),
    )
  })
})
