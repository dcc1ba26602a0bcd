import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIPv4 } from 'node:net'
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
 * X's Conversion API for web, version 12, as its papers describe it.
 * https://docs.x.com/x-ads-api/measurement/web-conversions
 * https://docs.x.com/x-ads-api/fundamentals/making-authenticated-requests (2026-11-20)
 * A request is taken whole or not at all. Stricter than X where X is silent.
 */

type Json = Readonly<Record<string, unknown>>

export interface XConversion {
  readonly conversion_time: string
  readonly event_id?: string
  readonly event_name?: string
  readonly conversion_id?: string
  readonly identifiers: readonly Readonly<Record<string, string>>[]
  readonly [field: string]: unknown
}

export interface XPlatform extends Platform {
  /** What X would count: the first of each event and conversion id within 48 hours. */
  readonly received: readonly XConversion[]
  /** Processed, and dropped as repeats. */
  readonly deduplicated: number
}

/** Of an app that may use the Ads API, and of the user it acts for. */
export interface XKeys {
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly accessToken: string
  readonly accessTokenSecret: string
}

export interface XOptions extends PlatformOptions {
  /** Any, when absent. */
  readonly pixelId?: string
  /** Any that is not empty, when absent. */
  readonly pixelToken?: string
  /** Without them no signature is taken. */
  readonly oauth?: XKeys
  /** The short ids of the events made in Events Manager; any, when absent. */
  readonly eventIds?: readonly string[]
}

interface Fault {
  readonly code: string
  readonly message: string
  readonly parameter?: string
}

const invalid = (parameter: string, message: string): Fault => ({
  code: 'INVALID_PARAMETER',
  message,
  parameter,
})

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0

type Checks = Readonly<Record<string, (value: unknown) => boolean>>
const wrongMember = (value: Json, checks: Checks): string | null =>
  Object.entries(value).find(
    ([key, one]) => !Object.hasOwn(checks, key) || checks[key]?.(one) !== true,
  )?.[0] ?? null

const digest = /^[0-9a-f]{64}$/
const isDigest = (value: unknown): boolean => isText(value) && digest.test(value)
const privateAddress = /^(?:10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)/

const identifierChecks: Checks = {
  twclid: isText,
  hashed_email: isDigest,
  hashed_phone_number: isDigest,
  ip_address: (value) => isText(value) && isIPv4(value) && !privateAddress.test(value),
  user_agent: isText,
}
const strong = ['twclid', 'hashed_email', 'hashed_phone_number']

const contentChecks: Checks = {
  content_id: isText,
  content_group_id: isText,
  content_name: isText,
  content_type: isText,
  content_price: isNumber,
  num_items: isCount,
}

const conversionChecks: Checks = {
  conversion_time: isText,
  event_id: isText,
  event_name: (value) => isText(value) && value.startsWith('gtm_'),
  conversion_id: isText,
  identifiers: Array.isArray,
  value: isNumber,
  price_currency: (value) => isText(value) && /^[A-Z]{3}$/.test(value),
  number_items: isCount,
  description: isText,
  event_source_url: (value) => isText(value) && /^https?:$/.test(URL.parse(value)?.protocol ?? ''),
  search_string: isText,
  contents: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => isObject(item) && wrongMember(item, contentChecks) === null),
}

const identifiersFault = (identifiers: readonly unknown[]): Fault | null => {
  const names = new Set<string>()
  for (const identifier of identifiers) {
    if (!isObject(identifier)) return invalid('identifiers', 'each identifier must be an object')
    const wrong = wrongMember(identifier, identifierChecks)
    if (wrong !== null)
      return invalid(
        wrong,
        wrong.startsWith('hashed_') ? `${wrong} is not a valid SHA-256 hash` : `${wrong} is invalid`,
      )
    const own = Object.keys(identifier)
    if (own.filter((key) => strong.includes(key)).length > 1)
      return invalid('identifiers', 'each identifier must be an object of its own')
    if (own.length === 1 && (own[0] === 'ip_address' || own[0] === 'user_agent'))
      return invalid('identifiers', `${own[0]} must be sent with another identifier`)
    for (const key of own) names.add(key)
  }
  return strong.some((key) => names.has(key)) || (names.has('ip_address') && names.has('user_agent'))
    ? null
    : invalid('identifiers', 'at least one user identifier must be provided')
}

const day = 86_400_000
const zonedTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const timeFault = (time: string, now: number): Fault | null => {
  if (!zonedTime.test(time) || Number.isNaN(Date.parse(time)))
    return invalid('conversion_time', 'expected time in yyyy-MM-ddTHH:mm:ss.SSSZ')
  const age = now - Date.parse(time)
  return age < -60_000 || age > 90 * day
    ? invalid('conversion_time', 'conversion_time is out of range')
    : null
}

/** RFC 5849 3.4.1, from the request as it arrived; the host is X's, whatever port a test listens on. */
const signatureFault = (
  { method, path, query, headers }: PlatformRequest,
  keys: XKeys,
  now: number,
  usedNonces: Set<string>,
): string | null => {
  const parameters = new Map(
    [...(headers.authorization ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, decodeURIComponent(value)] as const,
    ),
  )
  const signature = parameters.get('oauth_signature') ?? ''
  parameters.delete('oauth_signature')
  if (parameters.get('oauth_consumer_key') !== keys.consumerKey) return 'unknown consumer key'
  if (parameters.get('oauth_token') !== keys.accessToken) return 'unknown token'
  if (parameters.get('oauth_signature_method') !== 'HMAC-SHA1') return 'unknown signature method'
  if (parameters.get('oauth_version') !== '1.0') return 'unknown version'
  const timestamp = parameters.get('oauth_timestamp') ?? ''
  if (!/^\d{10}$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > 300)
    return 'timestamp out of bounds'
  const nonce = parameters.get('oauth_nonce') ?? ''
  if (nonce.length < 16 || usedNonces.has(nonce)) return 'nonce used'

  const escape = (text: string): string =>
    [...Buffer.from(text, 'utf8')]
      .map((byte) =>
        /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte))
          ? String.fromCharCode(byte)
          : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      )
      .join('')
  const signed = [...parameters, ...query]
    .map(([name, value]) => `${escape(name)}=${escape(value)}`)
    .sort()
    .join('&')
  const base = `${method}&${escape(`https://ads-api.x.com${path}`)}&${escape(signed)}`
  const expected = createHmac('sha1', `${escape(keys.consumerSecret)}&${escape(keys.accessTokenSecret)}`)
    .update(base)
    .digest()
  const given = Buffer.from(signature, 'base64')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'signature mismatch'
  usedNonces.add(nonce)
  return null
}

const answerOf = (status: number, errors: readonly Fault[]): PlatformAnswer => ({
  status,
  body: { errors, request: { params: { account_id: '18ce55example' } } },
})

const maxConversions = 500
const remembered = 2 * day

export const startX = async ({
  pixelId,
  pixelToken,
  oauth,
  eventIds,
  ...options
}: XOptions = {}): Promise<XPlatform> => {
  const now = options.now ?? Date.now
  const seen = new Map<string, number>()
  const usedNonces = new Set<string>()
  const received: XConversion[] = []
  let deduplicated = 0

  const keep = (pixel: string, conversion: XConversion): void => {
    const event = conversion.event_name ?? (conversion.event_id ?? '').replace(`tw-${pixel}-`, '')
    const key = JSON.stringify([event, conversion.conversion_id])
    const before = seen.get(key)
    if (conversion.conversion_id !== undefined && before !== undefined && now() - before <= remembered) {
      deduplicated += 1
      return
    }
    seen.set(key, now())
    received.push(conversion)
  }

  const authFault = (request: PlatformRequest): string | null => {
    const token = request.headers['x-pixel-token']
    const { authorization } = request.headers
    if (authorization === undefined)
      return isText(token) && (pixelToken === undefined || token === pixelToken)
        ? null
        : 'missing or incorrect authentication'
    if (oauth === undefined || token !== undefined || !authorization.startsWith('OAuth '))
      return 'missing or incorrect authentication'
    return signatureFault(request, oauth, now(), usedNonces)
  }

  const tagFault = (conversion: Json, pixel: string): Fault | null => {
    const { event_id: id, event_name: name } = conversion
    if (id === undefined && name === undefined) return invalid('event_id', 'event_id is required')
    if (id === undefined) return null
    if (!isText(id)) return invalid('event_id', 'event_id is not a single event tag')
    const [, owner, short] = /^(?:tw-([a-z0-9]+)-)?([a-z0-9]+)$/.exec(id) ?? []
    if (short === undefined) return invalid('event_id', 'event_id is not a single event tag')
    if ((owner ?? pixel) !== pixel || (eventIds !== undefined && !eventIds.includes(short)))
      return {
        code: 'NOT_FOUND',
        message: `event_id ${id} does not belong to provided account`,
        parameter: 'event_id',
      }
    return null
  }

  const conversionFaults = (conversion: unknown, pixel: string): readonly Fault[] => {
    if (!isObject(conversion)) return [invalid('conversions', 'a conversion must be an object')]
    const wrong = wrongMember(conversion, conversionChecks)
    if (wrong !== null) return [invalid(wrong, `${wrong} is unknown or malformed`)]
    const { conversion_time: time, identifiers, value, price_currency: currency } = conversion
    return [
      tagFault(conversion, pixel),
      time === undefined
        ? invalid('conversion_time', 'conversion_time is required')
        : timeFault(time as string, now()),
      identifiersFault((identifiers ?? []) as readonly unknown[]),
      value !== undefined && currency === undefined
        ? invalid('price_currency', 'price_currency is missing')
        : null,
    ].filter((fault) => fault !== null)
  }

  const take = (request: PlatformRequest): PlatformAnswer => {
    const [, pixel] = /^\/12\/measurement\/conversions\/([a-z0-9]+)$/.exec(request.path) ?? []
    if (pixel === undefined || request.method !== 'POST')
      return answerOf(404, [{ code: 'ROUTE_NOT_FOUND', message: `The requested route does not exist` }])
    const unauthorized = authFault(request)
    if (unauthorized !== null)
      return answerOf(401, [
        { code: 'UNAUTHORIZED_ACCESS', message: `This request is not authorised: ${unauthorized}` },
      ])
    if (pixelId !== undefined && pixel !== pixelId)
      return answerOf(404, [{ code: 'WEB_EVENT_TAG_NOT_FOUND', message: `pixel ${pixel} was not found` }])
    const json = isObject(request.json) ? request.json : {}
    if (request.headers['content-type']?.split(';', 1)[0] !== 'application/json' || !isObject(request.json))
      return answerOf(400, [invalid('body', 'the body must be a JSON object')])
    const unknown = Object.keys(json).find((key) => key !== 'conversions')
    if (unknown !== undefined) return answerOf(400, [invalid(unknown, `${unknown} is unknown`)])
    const { conversions } = json
    if (!Array.isArray(conversions) || conversions.length === 0)
      return answerOf(400, [invalid('conversions', 'conversions is required')])
    if (conversions.length > maxConversions)
      return answerOf(400, [invalid('conversions', `Conversion count limit is ${maxConversions}`)])
    const faults = conversions.flatMap((conversion) => conversionFaults(conversion, pixel))
    if (faults.length > 0)
      return answerOf(faults.every(({ code }) => code === 'NOT_FOUND') ? 404 : 400, faults)
    for (const conversion of conversions as readonly XConversion[]) keep(pixel, conversion)
    return {
      status: 200,
      headers: { 'x-current-api-version': '12' },
      body: {
        request: { params: { account_id: '18ce55example' } },
        data: {
          conversions_processed: conversions.length,
          debug_id: '00000000-0000-4000-8000-000000000000',
        },
      },
    }
  }

  return extend(await startPlatform(take, options), {
    received,
    get deduplicated() {
      return deduplicated
    },
  })
}

if (import.meta.main) await runByHand('X', startX)
