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
 * Pinterest's Conversions API as https://github.com/pinterest/api-description `v5/openapi.json` 5.23.0 describes it
 * (2026-11-20). What breaks the schema has the whole request refused; what is wrong with one event fails that event alone.
 * Stricter than Pinterest where Pinterest is silent.
 */

type Json = Readonly<Record<string, unknown>>

export interface PinterestEvent {
  readonly event_name: string
  readonly action_source: string
  readonly event_time: number
  readonly event_id: string
  readonly user_data: Readonly<Record<string, string | readonly string[]>>
  readonly custom_data?: Json
  readonly [field: string]: unknown
}

export interface PinterestPlatform extends Platform {
  /** What reports would count: the first of each name and id; of offline events every one. */
  readonly received: readonly PinterestEvent[]
  /** Processed, and dropped as repeats. */
  readonly deduplicated: number
  /** Processed under `test=true`, and not recorded. */
  readonly checked: readonly PinterestEvent[]
  /** Why an event was answered as `failed`. */
  readonly failures: readonly string[]
}

export interface PinterestOptions extends PlatformOptions {
  /** Any, when absent. */
  readonly adAccountId?: string
  /** Any that is not empty, when absent. */
  readonly accessToken?: string
  /** Names that the advertiser defined. */
  readonly definedEvents?: readonly string[]
  /** The status under which a request with failed events is answered. */
  readonly partialStatus?: 200 | 422
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)
const isFlag = (value: unknown): boolean => typeof value === 'boolean'
const isDecimal = (value: unknown): boolean => isText(value) && /^-?\d+(?:\.\d+)?$/.test(value)
const isList = (value: unknown, of: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(of)
const isTexts = (value: unknown): boolean => isList(value, isText)

type Check = (value: unknown) => boolean
type Checks = Readonly<Record<string, Check>>

/** The first member that is unknown, or of a wrong type. */
const wrongMember = (value: Json, checks: Checks): string | null =>
  Object.entries(value).find(
    ([key, one]) => !Object.hasOwn(checks, key) || checks[key]?.(one) !== true,
  )?.[0] ?? null

const eventNames = new Set(
  `add_payment_info add_to_cart add_to_wishlist app_install app_open checkout contact custom customize_product find_location
initiate_checkout lead page_visit schedule search signup start_trial submit_application subscribe view_category view_content
watch_video`.split(/\s+/),
)

const hashedKeys = new Set([
  'em',
  'ph',
  'fn',
  'ln',
  'ge',
  'db',
  'ct',
  'st',
  'zp',
  'country',
  'external_id',
  'hashed_maids',
])
const userDataChecks: Checks = {
  ...Object.fromEntries([...hashedKeys].map((key) => [key, isTexts])),
  client_ip_address: isText,
  client_user_agent: isText,
  click_id: isText,
  partner_id: isText,
}

const contentChecks: Checks = {
  id: isText,
  item_price: isDecimal,
  quantity: isInteger,
  item_name: isText,
  item_category: isText,
  item_brand: isText,
}
const customDataChecks: Checks = {
  value: isDecimal,
  currency: (value) => isText(value) && /^[A-Z]{3}$/.test(value),
  order_id: isText,
  num_items: isInteger,
  content_ids: isTexts,
  contents: (value) => isList(value, (item) => isObject(item) && wrongMember(item, contentChecks) === null),
  content_name: isText,
  content_category: isText,
  content_brand: isText,
  search_string: isText,
  predicted_ltv: isDecimal,
  opt_out_type: (value) => value === 'LDP',
}

const required = ['event_name', 'action_source', 'event_time', 'event_id', 'user_data']
const actionSources = new Set(['web', 'app_ios', 'app_android', 'offline'])
const eventChecks: Checks = {
  event_name: isText,
  action_source: (value) => isText(value) && actionSources.has(value),
  event_time: (value) => isInteger(value) && /^\d{10}$/.test(`${value}`),
  event_id: isText,
  event_source_url: (value) => isText(value) && /^https?:$/.test(URL.parse(value)?.protocol ?? ''),
  opt_out: isFlag,
  partner_name: (value) => isText(value) && /^ss-[a-z0-9_-]+$/.test(value),
  user_data: (value) => isObject(value) && wrongMember(value, userDataChecks) === null,
  custom_data: (value) => isObject(value) && wrongMember(value, customDataChecks) === null,
  language: (value) => isText(value) && /^[a-z]{2}$/.test(value),
  wifi: isFlag,
}

/** Why the schema forbids the event; then the whole request is invalid. */
const schemaFault = (event: unknown, index: number): string | null => {
  if (!isObject(event)) return `data[${index}] must be an object`
  const missing = required.find((key) => !Object.hasOwn(event, key))
  if (missing !== undefined) return `data[${index}].${missing} is required`
  const wrong = wrongMember(event, eventChecks)
  return wrong === null ? null : `data[${index}].${wrong} is invalid`
}

const daySeconds = 86_400
const skewSeconds = 60
const digest = /^[0-9a-f]{64}$/
const privateAddress =
  /^(?:10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|::$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i

const identityFault = (userData: PinterestEvent['user_data']): string | null => {
  const unhashed = Object.entries(userData).find(
    ([key, values]) => hashedKeys.has(key) && ![values].flat().every((one) => digest.test(one)),
  )
  if (unhashed !== undefined) return `user_data.${unhashed[0]} must be hashed with SHA-256`
  const { em, hashed_maids, client_ip_address: ip, client_user_agent: agent } = userData
  if (ip !== undefined && (typeof ip !== 'string' || isIP(ip) === 0 || privateAddress.test(ip)))
    return 'user_data.client_ip_address is no public address'
  return em !== undefined || hashed_maids !== undefined || (ip !== undefined && agent !== undefined)
    ? null
    : 'user_data needs em, hashed_maids, or both client_ip_address and client_user_agent'
}

/** Why one event fails while its neighbours are processed. */
const eventFault = (
  event: PinterestEvent,
  nowSeconds: number,
  definedEvents: readonly string[],
): string | null => {
  if (!eventNames.has(event.event_name) && !definedEvents.includes(event.event_name))
    return `event_name ${event.event_name} is unknown`
  if (event.event_time > nowSeconds + skewSeconds) return 'event_time is in the future'
  if (nowSeconds - event.event_time > 7 * daySeconds) return 'event_time is more than 7 days ago'
  const custom = event.custom_data ?? {}
  if (custom['value'] !== undefined && custom['currency'] === undefined) return 'currency is missing'
  if (
    custom['opt_out_type'] !== undefined &&
    (event.user_data['st'] === undefined || event.user_data['country'] === undefined)
  )
    return 'opt_out_type is ignored without st and country'
  return identityFault(event.user_data)
}

const refused = (status: number, code: number, message: string): PlatformAnswer => ({
  status,
  body: { code, message },
})

const maxEvents = 1000

export const startPinterest = async ({
  adAccountId,
  accessToken,
  definedEvents = [],
  partialStatus = 200,
  ...options
}: PinterestOptions = {}): Promise<PinterestPlatform> => {
  const now = options.now ?? Date.now
  const seen = new Set<string>()
  const received: PinterestEvent[] = []
  const checked: PinterestEvent[] = []
  const failures: string[] = []
  let deduplicated = 0

  const keep = (event: PinterestEvent): void => {
    const key = JSON.stringify([event.event_name, event.event_id])
    if (event.action_source !== 'offline' && seen.has(key)) {
      deduplicated += 1
      return
    }
    seen.add(key)
    received.push(event)
  }

  const tokenFault = (request: PlatformRequest, account: string): PlatformAnswer | null => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined || (accessToken !== undefined && token !== accessToken))
      return refused(401, 2, 'Authentication failed.')
    return adAccountId !== undefined && account !== adAccountId
      ? refused(403, 29, 'You are not permitted to access that resource.')
      : null
  }

  const requestFault = ({ json, headers, query }: PlatformRequest): string | null => {
    if (headers['content-type']?.split(';', 1)[0] !== 'application/json' || !isObject(json))
      return 'the body must be a JSON object'
    const strange = [...query.keys()].find((key) => key !== 'test')
    if (strange !== undefined) return `${strange} is unknown`
    const unknown = Object.keys(json).find((key) => key !== 'data')
    if (unknown !== undefined) return `${unknown} is unknown`
    const { data } = json
    if (!Array.isArray(data) || data.length === 0 || data.length > maxEvents)
      return `data must hold 1 to ${maxEvents} events`
    return data.map(schemaFault).find((fault) => fault !== null) ?? null
  }

  const take = (request: PlatformRequest): PlatformAnswer => {
    const [, account] = /^\/v5\/ad_accounts\/(\d+)\/events$/.exec(request.path) ?? []
    if (account === undefined) return refused(404, 3, 'Not found.')
    const badToken = tokenFault(request, account)
    if (badToken !== null) return badToken
    if (request.method !== 'POST') return refused(405, 5, 'Method not allowed.')
    const fault = requestFault(request)
    if (fault !== null) return refused(400, 4196, `Invalid request: ${fault}`)
    const { data } = request.json as { readonly data: readonly PinterestEvent[] }
    const isTest = request.query.get('test') === 'true'
    const events = data.map((event) => {
      const failure = eventFault(event, now() / 1000, definedEvents)
      if (failure === null) {
        if (isTest) checked.push(event)
        else keep(event)
        return { status: 'processed', error_message: '', warning_message: '' }
      }
      failures.push(failure)
      return { status: 'failed', error_message: failure, warning_message: null }
    })
    const processed = events.filter(({ status }) => status === 'processed').length
    if (processed < data.length && partialStatus === 422)
      return {
        status: 422,
        body: { code: 4195, message: 'Not all events were processed.', details: { events } },
      }
    return {
      status: 200,
      body: { num_events_received: data.length, num_events_processed: processed, events },
    }
  }

  return extend(await startPlatform(take, options), {
    received,
    checked,
    failures,
    get deduplicated() {
      return deduplicated
    },
  })
}

if (import.meta.main) await runByHand('Pinterest', startPinterest)
