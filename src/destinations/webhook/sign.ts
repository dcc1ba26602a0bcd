import { createHmac } from 'node:crypto'

/** Proofs that a request comes from us. They sign the body's exact bytes, so the body is serialised once and kept. */

const prefix = 'whsec_'
const base64 = /^[A-Za-z0-9+/]+={0,2}$/

/** The HMAC key of a Standard Webhooks secret: the bytes its base64 part spells; `null` where that is no key of 24 to 64 bytes. */
export const signingKey = (secret: string): Buffer | null => {
  const text = secret.startsWith(prefix) ? secret.slice(prefix.length) : secret
  if (!base64.test(text)) return null
  const key = Buffer.from(text, 'base64')
  return key.length >= 24 && key.length <= 64 ? key : null
}

/**
 * The `webhook-signature` header: one `v1,<base64>` per secret, so that a receiver can change secrets at leisure.
 * github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, read 2026-11-20.
 */
export const standardSignature = (
  secrets: readonly string[],
  message: { readonly id: string; readonly timestamp: number; readonly body: string },
): string =>
  secrets
    .flatMap((secret) => {
      const key = signingKey(secret)
      if (key === null) return []
      const content = `${message.id}.${message.timestamp}.${message.body}`
      return [`v1,${createHmac('sha256', key).update(content, 'utf8').digest('base64')}`]
    })
    .join(' ')

/** GitHub's form: `sha256=<hex>` over the body alone, keyed with the secret as it is written. */
export const bodySignature = (algorithm: 'sha256' | 'sha512', secret: string, body: string): string =>
  `${algorithm}=${createHmac(algorithm, Buffer.from(secret, 'utf8')).update(body, 'utf8').digest('hex')}`

/**
 * The same on every retry of an event: what receivers deduplicate on. The signed content is joined with dots, so the id must
 * hold none; an id that holds anything but letters, digits, `-` and `_` is percent-encoded, dots included.
 */
export const messageId = (eventId: string): string =>
  `msg_${encodeURIComponent(eventId.toWellFormed()).replace(/[.!~*'()]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)}`
