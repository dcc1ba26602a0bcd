import { isIP } from 'node:net'
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
 * Snapchat's Conversions API v3 as its papers describe it, with its validation and the logs of that.
 * https://developers.snap.com/api/marketing-api/Conversions-API/Parameters and .../VerifySetUp,
 * Snapchat/business-sdk-v3-java, api/openapi.yaml (2026-11-20). Stricter than Snapchat where it is silent: a field it does
 * not know is an error here, and so is a time ahead.
 */

type Json = Readonly<Record<string, unknown>>

export interface SnapchatEvent {
  readonly event_name: string
  readonly event_time: number
  readonly event_id?: string
  readonly action_source: string
  readonly event_source_url?: string
  readonly user_data: Json
  readonly custom_data?: Json
  readonly [field: string]: unknown
}

export interface SnapchatPlatform extends Platform {
  /** What Snapchat would count: the first of each pixel, name and id within 48 hours, of a purchase's order within 30 days. */
  readonly received: readonly SnapchatEvent[]
  /** Taken, and merged into what was there. */
  readonly deduplicated: number
  /** Validated, never counted. */
  readonly validated: readonly SnapchatEvent[]
}

export interface SnapchatOptions extends PlatformOptions {
  /** Any, when absent. */
  readonly snapPixelId?: string
  /** Any that is not empty, when absent. */
  readonly accessToken?: string
  /** What the number of a bad event counts from; the papers do not say. */
  readonly countsFrom?: 0 | 1
  /** The HTTP status of a batch with a bad event; the papers know both. */
  readonly invalidStatus?: 200 | 400
}

type Check = (value: unknown) => boolean
type Checks = Readonly<Record<string, Check>>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText: Check = (value) => typeof value === 'string' && value !== ''
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const isList = (value: unknown, of: Check): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(of)
const isAddress: Check = (value) =>
  typeof value === 'string' && /^https?:$/.test(URL.parse(value)?.protocol ?? '')

const isDigest: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isDigests: Check = (value) => isDigest(value) || isList(value, isDigest)
const isId: Check = (value) => typeof value === 'string' && /^\S+$/.test(value)

const userDataChecks: Checks = {
  em: isDigests,
  ph: isDigests,
  fn: isDigests,
  ln: isDigests,
  ge: isDigests,
  db: isDigest,
  ct: isDigests,
  st: isDigests,
  zp: isDigests,
  country: isDigests,
  external_id: isDigests,
  // Of v2 the hash; v3 refuses it.
  client_ip_address: (value) => typeof value === 'string' && isIP(value) !== 0,
  client_user_agent: isText,
  sc_click_id: isId,
  sc_cookie1: isId,
}

const isCurrency: Check = (value) => typeof value === 'string' && /^[A-Z]{3}$/.test(value)
const isAmountText: Check = (value) => typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value)

const contentChecks: Checks = {
  id: isText,
  quantity: (value) => typeof value === 'string' && /^[1-9]\d*$/.test(value),
  item_price: isAmountText,
  delivery_category: isText,
  brand: isText,
}

const customDataChecks: Checks = {
  currency: isCurrency,
  value: isNumber,
  order_id: isText,
  content_ids: (value) => isList(value, isText),
  content_category: isText,
  content_type: isText,
  contents: (value) =>
    isList(
      value,
      (item) =>
        isObject(item) &&
        isText(item['id']) &&
        Object.entries(item).every(([key, member]) => contentChecks[key]?.(member) === true),
    ),
  num_items: (value) => Number.isSafeInteger(value),
  brands: isText,
  search_string: isText,
  sign_up_method: isText,
  status: isText,
  delivery_category: isText,
  predicted_ltv: isNumber,
  custom_fields: (value) => isObject(value) && Object.values(value).every(isText),
}

const eventNames = new Set(
  [
    'PURCHASE SAVE START_CHECKOUT ADD_CART VIEW_CONTENT ADD_BILLING SIGN_UP SEARCH PAGE_VIEW SUBSCRIBE AD_CLICK AD_VIEW',
    'COMPLETE_TUTORIAL LEVEL_COMPLETE INVITE LOGIN SHARE RESERVE ACHIEVEMENT_UNLOCKED ADD_TO_WISHLIST SPENT_CREDITS RATE',
    'START_TRIAL LIST_VIEW APP_INSTALL APP_OPEN CUSTOM_EVENT_1 CUSTOM_EVENT_2 CUSTOM_EVENT_3 CUSTOM_EVENT_4 CUSTOM_EVENT_5',
  ].flatMap((line) => line.split(' ')),
)

const eventChecks: Checks = {
  event_name: (value) => typeof value === 'string' && eventNames.has(value),
  event_time: (value) => Number.isSafeInteger(value),
  event_id: isText,
  // An app's events go to the app's id, not to a pixel's.
  action_source: (value) => value === 'WEB' || value === 'OFFLINE',
  event_source_url: isAddress,
  user_data: isObject,
  custom_data: isObject,
  data_processing_options: (value) =>
    Array.isArray(value) && value.every((option) => option === 'LDU' || option === 'LMU'),
  data_processing_options_country: (value) => value === 0 || value === 1,
  data_processing_options_state: (value) => value === 0 || value === 1000,
  opt_out: (value) => typeof value === 'boolean',
  integration: isText,
  test_event_code: isText,
}

interface Fault {
  readonly code: string
  readonly message: string
}
const fault = (code: string, message: string): Fault => ({ code, message })

const memberFault = (value: Json, checks: Checks, path: string): Fault | null => {
  const wrong = Object.entries(value).find(([key, member]) => checks[key]?.(member) !== true)?.[0]
  if (wrong === undefined) return null
  if (wrong === 'event_name') return fault('E_EVENT_NAME', 'unrecognized event type')
  if (checks === userDataChecks && wrong in checks && wrong !== 'client_ip_address' && isText(value[wrong]))
    return fault('E_PII', `${path}${wrong} holds unhashed PII`)
  return fault('E_FIELD', `${path}${wrong} is unknown or malformed`)
}

const daySeconds = 86_400
const skewSeconds = 60

const moneyFault = (event: Json): Fault | null => {
  const customData = isObject(event['custom_data']) ? event['custom_data'] : {}
  const [hasValue, hasCurrency] = [customData['value'] !== undefined, customData['currency'] !== undefined]
  if (event['event_name'] === 'PURCHASE' && !(hasValue && hasCurrency))
    return fault('E_PURCHASE', 'PURCHASE needs value and currency')
  return hasValue && !hasCurrency ? fault('E_CURRENCY', 'currency is required with value') : null
}

const eventFault = (event: unknown, nowSeconds: number): Fault | null => {
  if (!isObject(event)) return fault('E_FIELD', 'an event must be an object')
  const required = ['event_name', 'event_time', 'action_source', 'user_data']
  if (event['action_source'] === 'WEB') required.push('event_source_url')
  const missing = required.find((key) => !(key in event))
  if (missing !== undefined) return fault('E_MISSING', `${missing} is required`)
  const wrong = memberFault(event, eventChecks, '')
  if (wrong !== null) return wrong
  const age = nowSeconds - (event['event_time'] as number)
  if (age > 7 * daySeconds || age < -skewSeconds) return fault('E_TIME', 'event_time is out of range')
  const userData = event['user_data'] as Json
  const customData = (event['custom_data'] ?? {}) as Json
  const found =
    memberFault(userData, userDataChecks, 'user_data.') ??
    memberFault(customData, customDataChecks, 'custom_data.') ??
    moneyFault(event)
  if (found !== null) return found
  const isKnown = 'em' in userData || 'ph' in userData
  return isKnown || ('client_ip_address' in userData && 'client_user_agent' in userData)
    ? null
    : fault('E_PII', 'insufficient PII')
}

const maxEvents = 2000
const maxBodyBytes = 2_000_000
const dedupWindowMs = 48 * 3_600_000
const orderWindowMs = 30 * 86_400_000

const invalid = (status: number, reason: string): PlatformAnswer => ({
  status,
  body: { status: 'INVALID', reason },
})
const errorsOf = ({ code, message }: Fault): Json => ({ codes: [code], error_msgs: [message] })

export const startSnapchat = async ({
  snapPixelId,
  accessToken,
  countsFrom = 1,
  invalidStatus = 400,
  ...options
}: SnapchatOptions = {}): Promise<SnapchatPlatform> => {
  const now = options.now ?? Date.now
  const seenAt = new Map<string, number>()
  const received: SnapchatEvent[] = []
  const validated: SnapchatEvent[] = []
  let deduplicated = 0

  const keep = (pixel: string, event: SnapchatEvent): void => {
    const order = event.event_name === 'PURCHASE' ? event.custom_data?.['order_id'] : undefined
    const keys = [
      ...(event.event_id === undefined
        ? []
        : [[JSON.stringify([pixel, event.event_name, event.event_id]), dedupWindowMs] as const]),
      ...(order === undefined ? [] : [[JSON.stringify([pixel, 'order', order]), orderWindowMs] as const]),
    ]
    const isRepeat = keys.some(
      ([key, windowMs]) => now() - (seenAt.get(key) ?? Number.NEGATIVE_INFINITY) <= windowMs,
    )
    if (isRepeat) {
      deduplicated += 1
      return
    }
    for (const [key] of keys) seenAt.set(key, now())
    received.push(event)
  }

  const validate = (data: readonly SnapchatEvent[]): PlatformAnswer => {
    const faults = data.map((event) => eventFault(event, now() / 1000))
    validated.push(...data.filter((_, index) => faults[index] === null))
    const isClean = faults.every((found) => found === null)
    return {
      status: isClean ? 200 : invalidStatus,
      body: {
        status: isClean ? 'VALID' : 'INVALID',
        test_event: true,
        reason: isClean ? 'Events have been processed successfully.' : 'Some events are invalid.',
        event_logs: faults.map((found, index) => ({
          event: index + countsFrom,
          status: found === null ? 'VALID' : 'INVALID',
          ...(found === null ? {} : { errors: errorsOf(found) }),
          warnings: [],
        })),
      },
    }
  }

  const store = (pixel: string, data: readonly SnapchatEvent[]): PlatformAnswer => {
    for (const [index, event] of data.entries()) {
      const found = eventFault(event, now() / 1000)
      if (found !== null)
        return {
          status: invalidStatus,
          body: { status: 'INVALID', event: index + countsFrom, errors: errorsOf(found) },
        }
    }
    for (const event of data) keep(pixel, event)
    return { status: 200, body: { status: 'VALID', reason: 'Events have been processed successfully.' } }
  }

  const lookUp = (kind: string): PlatformAnswer => ({
    status: 200,
    body:
      kind === 'logs'
        ? {
            status: 'SUCCESS',
            logs: validated.map(({ event_name, event_time, action_source }) => ({
              event_name,
              event_time,
              action_source,
              status: 'VALID',
              error_records: [],
              warning_records: [],
            })),
          }
        : { status: 'SUCCESS', test: { count: validated.length }, live: { count: received.length } },
  })

  const take = (request: PlatformRequest): PlatformAnswer => {
    const place = /^\/v3\/([^/]+)\/events(?:\/(validate)(?:\/(logs|stats))?)?$/.exec(request.path)
    const [, pixel, validates, kind] = place ?? []
    if (pixel === undefined) return { status: 404, body: 'not found' }
    const token = request.query.get('access_token')
    if (token === null || token === '') return invalid(401, 'Missing access token')
    if (accessToken !== undefined && token !== accessToken) return invalid(401, 'Invalid access token')
    if (snapPixelId !== undefined && pixel !== snapPixelId) return invalid(404, 'Asset not found')
    if (kind !== undefined) return request.method === 'GET' ? lookUp(kind) : { status: 405 }
    if (request.method !== 'POST') return { status: 405 }
    if (Buffer.byteLength(request.text) > maxBodyBytes) return invalid(413, 'Payload too large')
    const body = request.json
    if (request.headers['content-type']?.split(';', 1)[0] !== 'application/json' || !isObject(body))
      return invalid(400, 'The body is no JSON object')
    const unknown = Object.keys(body).find((key) => key !== 'data')
    if (unknown !== undefined) return invalid(400, `${unknown} is unknown`)
    const { data } = body
    if (!Array.isArray(data) || data.length === 0) return invalid(400, 'data is required')
    if (data.length > maxEvents) return invalid(400, `data holds more than ${maxEvents} events`)
    return validates === undefined ? store(pixel, data) : validate(data)
  }

  return extend(await startPlatform(take, options), {
    received,
    validated,
    get deduplicated() {
      return deduplicated
    },
  })
}

if (import.meta.main) await runByHand('Snapchat', startSnapchat)
