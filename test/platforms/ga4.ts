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
 * GA4's Measurement Protocol as its papers describe it: it says 2xx to all it can read and forgets what is wrong. What it
 * would forget stands in `ignored`, with the reason that the real one keeps to itself.
 * https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference (2026-11-20)
 */

type Json = Readonly<Record<string, unknown>>

interface Ga4Event {
  readonly name: string
  readonly params: Json
  /** Of its request. */
  readonly measurementId: string
  readonly clientId: string
  readonly visitor: Json
}

export interface Ga4Platform extends Platform {
  /** What reports would count: a purchase once per transaction id, everything else as often as it came. */
  readonly received: readonly Ga4Event[]
  readonly deduplicated: number
  /** Answered with 2xx and forgotten. */
  readonly ignored: readonly { readonly reason: string; readonly json: unknown }[]
}

export interface Ga4Options extends PlatformOptions {
  /** Any of the right form, when absent. */
  readonly measurementId?: string
  /** Any that is not empty, when absent. */
  readonly apiSecret?: string
}

interface Fault {
  readonly fieldPath: string
  readonly description: string
  readonly validationCode: string
}
const fault = (fieldPath: string, description: string, validationCode = 'VALUE_INVALID'): Fault => ({
  fieldPath,
  description,
  validationCode,
})

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

const maxBodyBytes = 130_000
const maxEvents = 25
const maxParameters = 25
const maxItems = 200
const daySeconds = 86_400

const namePattern = /^[A-Za-z][A-Za-z0-9_]{0,39}$/
const reservedNames = new Set(
  [
    'ad_activeview ad_click ad_exposure ad_query ad_reward adunit_exposure app_clear_data app_exception app_install',
    'app_remove app_store_refund app_update app_upgrade dynamic_link_app_open dynamic_link_app_update',
    'dynamic_link_first_open error firebase_campaign firebase_in_app_message_action firebase_in_app_message_dismiss',
    'firebase_in_app_message_impression first_open first_visit notification_dismiss notification_foreground',
    'notification_open notification_receive notification_send os_update session_start user_engagement',
    'ad_impression in_app_purchase screen_view',
  ].flatMap((line) => line.split(' ')),
)
const reservedPrefix = /^(?:_|firebase_|ga_|google_|gtag\.)/
const longestText: Readonly<Record<string, number>> = {
  page_title: 300,
  page_referrer: 420,
  page_location: 1000,
}

const itemFields: Readonly<Record<string, 'text' | 'number'>> = {
  item_id: 'text',
  item_name: 'text',
  affiliation: 'text',
  coupon: 'text',
  currency: 'text',
  discount: 'number',
  index: 'number',
  item_brand: 'text',
  item_category: 'text',
  item_category2: 'text',
  item_category3: 'text',
  item_category4: 'text',
  item_category5: 'text',
  item_list_id: 'text',
  item_list_name: 'text',
  item_variant: 'text',
  location_id: 'text',
  price: 'number',
  quantity: 'number',
}

const itemFault = (item: unknown): string | null => {
  if (!isObject(item)) return 'an item must be an object'
  if (!isText(item['item_id']) && !isText(item['item_name'])) return 'an item needs item_id or item_name'
  const wrong = Object.entries(item).find(([key, value]) =>
    itemFields[key] === 'number' ? !isFinite(value) : !isText(value) || value.length > 100,
  )
  return wrong === undefined ? null : `items.${wrong[0]} is malformed`
}

const itemsFault = (items: unknown): string | null => {
  if (!Array.isArray(items) || items.length > maxItems) return `items must be a list of at most ${maxItems}`
  return items.map(itemFault).find((found) => found !== null) ?? null
}

const timeFault = (value: unknown, nowSeconds: number): string | null => {
  if (!isFinite(value)) return 'timestamp_micros must be a number'
  const seconds = value / 1_000_000
  if (seconds > nowSeconds + 60) return 'timestamp_micros lies in the future'
  return nowSeconds - seconds > 3 * daySeconds ? 'timestamp_micros is more than 72 hours back' : null
}

const parameterFault = (name: string, value: unknown, nowSeconds: number): Fault | null => {
  const path = `events.params.${name}`
  if (!namePattern.test(name)) return fault(path, `parameter ${name} has no valid name`, 'NAME_INVALID')
  if (reservedPrefix.test(name) || name === 'firebase_conversion')
    return fault(path, `parameter ${name} is reserved`, 'NAME_RESERVED')
  if (name === 'items') {
    const found = itemsFault(value)
    return found === null ? null : fault(path, found)
  }
  if (name === 'timestamp_micros') {
    const found = timeFault(value, nowSeconds)
    return found === null ? null : fault(path, found, 'VALUE_OUT_OF_BOUNDS')
  }
  if (name === 'session_id' && !/^\d+$/.test(String(value))) return fault(path, 'session_id must be a number')
  if (typeof value === 'string')
    return value.length > (longestText[name] ?? 100)
      ? fault(path, `parameter ${name} is too long`, 'VALUE_OUT_OF_BOUNDS')
      : null
  return isFinite(value) || typeof value === 'boolean'
    ? null
    : fault(path, `parameter ${name} must be a text or a number`)
}

const moneyFault = (params: Json): Fault | null => {
  const { value, currency } = params
  if (value !== undefined && !isFinite(value)) return fault('events.params.value', 'value must be a number')
  if (value !== undefined && currency === undefined)
    return fault('events.params.currency', 'currency is required with value', 'VALUE_REQUIRED')
  return currency !== undefined && !(typeof currency === 'string' && /^[A-Z]{3}$/.test(currency))
    ? fault('events.params.currency', 'currency must be an ISO 4217 code')
    : null
}

const eventFault = (event: unknown, nowSeconds: number): Fault | null => {
  if (!isObject(event)) return fault('events', 'an event must be an object')
  const unknown = Object.keys(event).find((key) => key !== 'name' && key !== 'params')
  if (unknown !== undefined) return fault(`events.${unknown}`, `${unknown} is unknown`)
  const { name, params = {} } = event
  if (!isText(name) || !namePattern.test(name))
    return fault('events', 'the event has no valid name', 'NAME_INVALID')
  if (reservedNames.has(name) || reservedPrefix.test(name))
    return fault('events', `event name ${name} is reserved`, 'NAME_RESERVED')
  if (!isObject(params)) return fault('events.params', 'params must be an object')
  if (Object.keys(params).length > maxParameters)
    return fault('events.params', `more than ${maxParameters} parameters`, 'EXCEEDED_MAX_ENTITIES')
  return (
    Object.entries(params)
      .map(([key, value]) => parameterFault(key, value, nowSeconds))
      .find((found) => found !== null) ?? moneyFault(params)
  )
}

const digest = /^[0-9a-f]{64}$/
const isDigests = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0 && value.length <= 3 && value.every((one) => digest.test(String(one)))
    : digest.test(String(value))

const userDataFault = (userData: unknown): boolean =>
  !isObject(userData) ||
  Object.entries(userData).some(([key, value]) => {
    if (key === 'sha256_email_address' || key === 'sha256_phone_number') return !isDigests(value)
    return key !== 'address' || !Array.isArray(value)
  })

const consentFault = (consent: unknown): boolean =>
  !isObject(consent) ||
  Object.entries(consent).some(
    ([key, value]) =>
      (key !== 'ad_user_data' && key !== 'ad_personalization') || (value !== 'GRANTED' && value !== 'DENIED'),
  )

const bodyChecks: Readonly<Record<string, (value: unknown, nowSeconds: number) => boolean>> = {
  client_id: (value) => isText(value) && /^[1-9]\d*\.[1-9]\d*$/.test(value),
  user_id: (value) => isText(value) && value.length <= 256 && !value.includes('@'),
  timestamp_micros: (value, nowSeconds) => timeFault(value, nowSeconds) === null,
  user_properties: isObject,
  user_data: (value) => !userDataFault(value),
  consent: (value) => !consentFault(value),
  non_personalized_ads: (value) => typeof value === 'boolean',
  user_location: isObject,
  ip_override: (value) => isText(value) && isIP(value) !== 0,
  device: isObject,
  user_agent: isText,
  validation_behavior: (value) => value === 'RELAXED' || value === 'ENFORCE_RECOMMENDATIONS',
  events: (value) => Array.isArray(value) && value.length > 0 && value.length <= maxEvents,
}

const bodyFault = (body: Json, nowSeconds: number): Fault | null => {
  const wrong = Object.entries(body).find(([key, value]) => bodyChecks[key]?.(value, nowSeconds) !== true)
  if (wrong !== undefined) return fault(wrong[0], `${wrong[0]} is unknown or malformed`)
  const missing = ['client_id', 'events'].find((key) => !(key in body))
  return missing === undefined ? null : fault(missing, `${missing} is required`, 'VALUE_REQUIRED')
}

const validate = (body: Json, nowSeconds: number): readonly Fault[] => {
  const found = bodyFault(body, nowSeconds)
  if (found !== null) return [found]
  return (body['events'] as readonly unknown[])
    .map((event) => eventFault(event, nowSeconds))
    .filter((one) => one !== null)
}

export const startGa4 = async ({
  measurementId,
  apiSecret,
  ...options
}: Ga4Options = {}): Promise<Ga4Platform> => {
  const now = options.now ?? Date.now
  const received: Ga4Event[] = []
  const ignored: { reason: string; json: unknown }[] = []
  const transactions = new Set<string>()
  let deduplicated = 0

  const keep = (event: Ga4Event): void => {
    const transaction = event.params['transaction_id']
    if (event.name === 'purchase' && isText(transaction)) {
      const key = `${event.measurementId} ${transaction}`
      if (transactions.has(key)) {
        deduplicated += 1
        return
      }
      transactions.add(key)
    }
    received.push(event)
  }

  const doorFault = (request: PlatformRequest): string | null => {
    const id = request.query.get('measurement_id')
    const secret = request.query.get('api_secret')
    if (id === null || !/^G-[A-Z0-9]{4,12}$/.test(id)) return 'no such measurement id'
    if (measurementId !== undefined && id !== measurementId) return 'no such measurement id'
    if (!isText(secret) || (apiSecret !== undefined && secret !== apiSecret)) return 'wrong api_secret'
    return null
  }

  const collect = (request: PlatformRequest, body: Json): PlatformAnswer => {
    const nowSeconds = now() / 1000
    const reason = doorFault(request) ?? bodyFault(body, nowSeconds)?.description ?? null
    if (reason !== null) {
      ignored.push({ reason, json: body })
      return { status: 204 }
    }
    const { events, client_id: clientId, ...visitor } = body
    for (const event of events as readonly { name: string; params?: Json }[]) {
      const found = eventFault(event, nowSeconds)
      if (found === null)
        keep({
          name: event.name,
          params: event.params ?? {},
          measurementId: request.query.get('measurement_id') ?? '',
          clientId: String(clientId),
          visitor,
        })
      else ignored.push({ reason: found.description, json: event })
    }
    return { status: 204 }
  }

  const take = (request: PlatformRequest): PlatformAnswer => {
    const validates = request.path === '/debug/mp/collect'
    if (!validates && request.path !== '/mp/collect') return { status: 404 }
    if (request.method !== 'POST') return { status: 405 }
    if (Buffer.byteLength(request.text) > maxBodyBytes) return { status: 413 }
    if (!isObject(request.json)) return { status: 400 }
    if (!validates) return collect(request, request.json)
    return { status: 200, body: { validationMessages: validate(request.json, now() / 1000) } }
  }

  return extend(await startPlatform(take, options), {
    received,
    ignored,
    get deduplicated() {
      return deduplicated
    },
  })
}

if (import.meta.main) await runByHand('GA4', startGa4)
