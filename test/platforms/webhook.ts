import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  extend,
  runByHand,
  startPlatform,
  type Platform,
  type PlatformAnswer,
  type PlatformOptions,
  type PlatformRequest,
} from './platform.ts'

/**
 * A receiver as Standard Webhooks asks receivers to be: it checks the signature and the age of what comes, and takes each
 * message once. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (2026-11-20)
 */

interface WebhookDelivery {
  /** `webhook-id`. */
  readonly id: string
  readonly method: string
  readonly path: string
  readonly headers: PlatformRequest['headers']
  readonly text: string
  readonly json: unknown
}

export interface WebhookPlatform extends Platform {
  /** What was taken, once per `webhook-id`. */
  readonly received: readonly WebhookDelivery[]
  /** How often a message came again that was taken already. */
  readonly deduplicated: number
}

export interface WebhookOptions extends PlatformOptions {
  /** A Standard Webhooks secret; with it, unsigned and wrongly signed messages are refused with 401. */
  readonly secret?: string
  /** An `Authorization` header that must be there, word for word. */
  readonly authorization?: string
}

/** The reference library's tolerance, either way. */
const toleranceSeconds = 5 * 60

const refused = (status: number, message: string): PlatformAnswer => ({ status, body: { message } })

const headerOf = (request: PlatformRequest, name: string): string => {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

const signedBy = (request: PlatformRequest, secret: string): boolean => {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const content = `${headerOf(request, 'webhook-id')}.${headerOf(request, 'webhook-timestamp')}.${request.text}`
  const expected = createHmac('sha256', key).update(content).digest()
  return headerOf(request, 'webhook-signature')
    .split(' ')
    .some((entry) => {
      const [version, signature = ''] = entry.split(',')
      const given = Buffer.from(signature, 'base64')
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
    })
}

const faultOf = (request: PlatformRequest, { secret, authorization, now = Date.now }: WebhookOptions) => {
  if (!['POST', 'PUT', 'PATCH'].includes(request.method))
    return refused(405, 'Send events with POST, PUT or PATCH')
  if (authorization !== undefined && request.headers.authorization !== authorization)
    return refused(401, 'Missing or wrong Authorization')
  const id = headerOf(request, 'webhook-id')
  if (id === '' || id.includes('.')) return refused(400, 'Missing or malformed webhook-id')
  const timestamp = headerOf(request, 'webhook-timestamp')
  if (!/^\d{1,12}$/.test(timestamp)) return refused(400, 'Missing or malformed webhook-timestamp')
  if (secret !== undefined) {
    if (Math.abs(now() / 1000 - Number(timestamp)) > toleranceSeconds)
      return refused(401, 'Message timestamp outside of the tolerance')
    if (!signedBy(request, secret)) return refused(401, 'No matching signature found')
  }
  if (headerOf(request, 'content-type').startsWith('application/json') && request.json === undefined)
    return refused(400, 'The body is not JSON')
  return null
}

export const startWebhook = async (options: WebhookOptions = {}): Promise<WebhookPlatform> => {
  const taken = new Map<string, WebhookDelivery>()
  let deduplicated = 0

  const take = (request: PlatformRequest): PlatformAnswer => {
    const fault = faultOf(request, options)
    if (fault !== null) return fault
    const id = headerOf(request, 'webhook-id')
    if (taken.has(id)) deduplicated += 1
    else {
      const { method, path, headers, text, json } = request
      taken.set(id, { id, method, path, headers, text, json })
    }
    return { status: 204 }
  }

  return extend(await startPlatform(take, options), {
    get received() {
      return [...taken.values()]
    },
    get deduplicated() {
      return deduplicated
    },
  })
}

if (import.meta.main) await runByHand('A webhook', startWebhook)
