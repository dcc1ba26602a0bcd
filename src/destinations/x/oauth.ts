import { createHash, createHmac } from 'node:crypto'

/** OAuth 1.0a (RFC 5849) with HMAC-SHA1, for a request whose body is JSON and therefore not signed. */

export interface OAuthKeys {
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly accessToken: string
  readonly accessTokenSecret: string
}

export interface OAuthRequest {
  readonly method: string
  /** Without a query. */
  readonly url: string
  /** Never used twice with one timestamp. */
  readonly nonce: string
  /** Unix seconds. */
  readonly timestamp: number
}

/** RFC 5849 3.6: stricter than `encodeURIComponent`. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)

const pairs = (parameters: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(parameters).map(([name, value]) => [encoded(name), encoded(value)] as const)

/** The value of the `Authorization` header. */
export const oauthHeader = (keys: OAuthKeys, { method, url, nonce, timestamp }: OAuthRequest): string => {
  // In the order of their names, which is the order they are signed in (3.4.1.3.2).
  const parameters = {
    oauth_consumer_key: keys.consumerKey,
    oauth_nonce: nonce,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: `${timestamp}`,
    oauth_token: keys.accessToken,
    oauth_version: '1.0',
  }
  const joined = pairs(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const base = [method, url, joined].map(encoded).join('&')
  const key = [keys.consumerSecret, keys.accessTokenSecret].map(encoded).join('&')
  const oauth_signature = createHmac('sha1', key).update(base).digest('base64')
  const written = pairs({ ...parameters, oauth_signature }).map(([name, value]) => `${name}="${value}"`)
  return `OAuth ${written.join(', ')}`
}

/**
 * 32 hex digits that differ for every attempt, without a source of randomness: a request of the same events is never built
 * twice in the same millisecond for the same attempt.
 */
export const nonceOf = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
