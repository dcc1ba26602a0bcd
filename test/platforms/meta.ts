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
 * Meta's Conversions API as its papers describe it.
 * https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
 * https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters
 * (2026-11-20). Stricter than Meta where Meta is silent: a field it does not know is an error here.
 */

type Json = Readonly<Record<string, unknown>>

export interface MetaEvent {
  readonly event_name: string
  readonly event_time: number
  readonly event_id?: string
  readonly action_source: string
  readonly event_source_url?: string
  readonly user_data: Readonly<Record<string, string | readonly string[]>>
  readonly custom_data?: Json
  readonly [field: string]: unknown
}

export interface MetaPlatform extends Platform {
  /** What Meta would count: the first of each pixel, name and id. */
  readonly received: readonly MetaEvent[]
  /** Taken, and dropped as repeats. */
  readonly deduplicated: number
  /** Of {@link received}, what came with a test event code. */
  readonly tested: readonly MetaEvent[]
}

export interface MetaOptions extends PlatformOptions {
  /** Any, when absent. */
  readonly pixelId?: string
  /** Any that is not empty, when absent. */
  readonly accessToken?: string
  /** When the token ends, milliseconds since the epoch; never, when absent. */
  readonly tokenEndsAt?: number
  /** May the token look at the pixel? One made for the Conversions API alone may only send. */
  readonly mayLook?: boolean
}

interface Fault {
  readonly message: string
  readonly subcode?: number
  readonly title?: string
}

const fault = (message: string, subcode?: number, title?: string): Fault => ({
  message,
  ...(subcode === undefined ? {} : { subcode }),
  ...(title === undefined ? {} : { title }),
})

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)
const isList = (value: unknown, of: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(of)
const isAddress = (value: unknown): boolean =>
  isText(value) && /^https?:$/.test(URL.parse(value)?.protocol ?? '')

const envelopeFields = new Set([
  'data',
  'test_event_code',
  'partner_agent',
  'access_token',
  'namespace_id',
  'upload_id',
  'upload_tag',
  'upload_source',
])
const actionSources = new Set([
  'website',
  'app',
  'phone_call',
  'chat',
  'email',
  'physical_store',
  'system_generated',
  'business_messaging',
  'other',
])

const digest = /^[0-9a-f]{64}(?:\.(?:[\w-]{8}|[\w-]{2}))?$/
const hashedKeys = new Set(['em', 'ph', 'fn', 'ln', 'ge', 'db', 'ct', 'st', 'zp', 'country', 'external_id'])
const plainKeys = new Set([
  'subscription_id',
  'fb_login_id',
  'lead_id',
  'anon_id',
  'madid',
  'page_id',
  'page_scoped_user_id',
  'ctwa_clid',
  'ig_account_id',
  'ig_sid',
])
const cookieForm = /^fb\.\d+\.\d{13}\.[^\s.]+(?:\.(?:[\w-]{8}|[\w-]{2}))?$/
const privateAddress =
  /^(?:10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|::$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i

const userDataChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  client_ip_address: (value) => isText(value) && isIP(value) !== 0 && !privateAddress.test(value),
  client_user_agent: isText,
  fbc: (value) => isText(value) && cookieForm.test(value),
  fbp: (value) => isText(value) && cookieForm.test(value),
}

const thinSets = [
  new Set(['ct', 'country', 'st', 'zp', 'ge', 'client_user_agent']),
  new Set(['db', 'client_user_agent']),
  new Set(['fn', 'ge']),
  new Set(['ln', 'ge']),
]

const userDataFault = (userData: unknown): Fault | null => {
  if (!isObject(userData)) return fault('user_data is required')
  for (const [key, value] of Object.entries(userData)) {
    if (hashedKeys.has(key)) {
      const values = Array.isArray(value) ? value : [value]
      if (!isList(values, (one) => typeof one === 'string' && digest.test(one)))
        return fault(`user_data.${key} must be hashed with SHA-256`)
    } else if (!plainKeys.has(key) && userDataChecks[key]?.(value) !== true)
      return fault(`user_data.${key} is unknown or malformed`)
  }
  const keys = new Set(Object.keys(userData))
  return thinSets.some((set) => keys.isSubsetOf(set))
    ? fault(
        'Invalid parameter',
        2804050,
        "This event doesn't have enough customer information parameters to match",
      )
    : null
}

const contentChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  id: isText,
  quantity: (value) => isInteger(value) && value > 0,
  item_price: isNumber,
  title: isText,
  description: isText,
  brand: isText,
  category: isText,
  delivery_category: isText,
}
const isContent = (value: unknown): boolean =>
  isObject(value) &&
  isText(value['id']) &&
  Object.entries(value).every(([key, one]) => contentChecks[key]?.(one) === true)

const customDataChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  value: isNumber,
  currency: (value) => isText(value) && /^[A-Za-z]{3}$/.test(value),
  order_id: isText,
  content_ids: (value) => isList(value, isText),
  content_type: (value) => value === 'product' || value === 'product_group',
  contents: (value) => isList(value, isContent),
  content_name: isText,
  content_category: isText,
  num_items: isInteger,
  search_string: isText,
  predicted_ltv: isNumber,
  net_revenue: isNumber,
  status: isText,
  delivery_category: (value) => value === 'in_store' || value === 'curbside' || value === 'home_delivery',
  item_number: isText,
}
const isScalar = (value: unknown): boolean => isText(value) || isNumber(value) || typeof value === 'boolean'

const customDataFault = (customData: unknown): Fault | null => {
  if (!isObject(customData)) return fault('custom_data must be an object')
  const wrong = Object.entries(customData).find(([key, value]) => !(customDataChecks[key] ?? isScalar)(value))
  if (wrong !== undefined) return fault(`custom_data.${wrong[0]} is malformed`)
  return customData['value'] !== undefined && customData['currency'] === undefined
    ? fault('custom_data.currency is required with value')
    : null
}

const isState = (value: unknown): boolean =>
  value === 0 || (isInteger(value) && value >= 1000 && value <= 1013)

const eventChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  event_name: isText,
  event_time: isInteger,
  action_source: (value) => isText(value) && actionSources.has(value),
  event_source_url: isAddress,
  referrer_url: isAddress,
  user_data: isObject,
  event_id: isText,
  custom_data: isObject,
  opt_out: (value) => typeof value === 'boolean',
  data_processing_options: (value) =>
    Array.isArray(value) && (value.length === 0 || (value.length === 1 && value[0] === 'LDU')),
  data_processing_options_country: (value) => value === 0 || value === 1,
  data_processing_options_state: isState,
  customer_segmentation: isText,
  original_event_data: isObject,
}

const limitedDataFault = (event: Json, userData: Json): Fault | null => {
  const options = event['data_processing_options']
  if (!Array.isArray(options) || options.length === 0) return null
  if (
    event['data_processing_options_country'] === undefined ||
    event['data_processing_options_state'] === undefined
  )
    return fault('data_processing_options needs country and state')
  return event['data_processing_options_state'] === 0 && userData['client_ip_address'] === undefined
    ? fault('client_ip_address is required to find the state')
    : null
}

const daySeconds = 86_400
const skewSeconds = 60

const timeFault = (event: Json, nowSeconds: number): Fault | null => {
  const time = event['event_time'] as number
  if (time > nowSeconds + skewSeconds)
    return fault('Invalid parameter', undefined, 'Event Timestamp In The Future')
  const window = event['action_source'] === 'physical_store' ? 62 * daySeconds : 7 * daySeconds
  return nowSeconds - time > window ? fault('Invalid parameter', 2804003, 'Event Timestamp Too Old') : null
}

const eventFault = (event: unknown, nowSeconds: number): Fault | null => {
  if (!isObject(event)) return fault('an event must be an object')
  const wrong = Object.entries(event).find(([key, value]) => eventChecks[key]?.(value) !== true)
  if (wrong !== undefined) return fault(`${wrong[0]} is unknown or malformed`)
  const missing = ['event_name', 'event_time', 'action_source', 'user_data'].find((key) => !(key in event))
  if (missing !== undefined) return fault(`${missing} is required`)
  const userData = event['user_data'] as Json
  const customData = event['custom_data']
  if (event['action_source'] === 'website') {
    if (userData['client_user_agent'] === undefined)
      return fault('client_user_agent is required for website events')
    if (event['event_source_url'] === undefined)
      return fault('event_source_url is required for website events')
  }
  const money = isObject(customData) ? customData : {}
  if (event['event_name'] === 'Purchase' && (money['value'] === undefined || money['currency'] === undefined))
    return fault('Invalid parameter', 2804009, 'Missing Value Parameter for Purchase Event')
  return (
    timeFault(event, nowSeconds) ??
    userDataFault(userData) ??
    (customData === undefined ? null : customDataFault(customData)) ??
    limitedDataFault(event, userData)
  )
}

const trace = 'AbCdEfGhIjK'
const refused = (
  code: number,
  message: string,
  { subcode, title, type = 'OAuthException' }: { subcode?: number; title?: string; type?: string } = {},
): PlatformAnswer => ({
  status: 400,
  body: {
    error: {
      message,
      type,
      code,
      ...(subcode === undefined ? {} : { error_subcode: subcode }),
      is_transient: false,
      ...(title === undefined ? {} : { error_user_title: title }),
      fbtrace_id: trace,
    },
  },
})

const oldestVersion = 21
const maxEvents = 1000

export const startMeta = async ({
  pixelId,
  accessToken,
  tokenEndsAt,
  mayLook = true,
  ...options
}: MetaOptions = {}): Promise<MetaPlatform> => {
  const now = options.now ?? Date.now
  const seen = new Set<string>()
  const received: MetaEvent[] = []
  const tested: MetaEvent[] = []
  let deduplicated = 0

  const keep = (pixel: string, event: MetaEvent, isTest: boolean): void => {
    const key = JSON.stringify([pixel, event.event_name, event.event_id])
    if (event.event_id !== undefined && seen.has(key)) {
      deduplicated += 1
      return
    }
    seen.add(key)
    received.push(event)
    if (isTest) tested.push(event)
  }

  const tokenFault = (request: PlatformRequest, body: Json): PlatformAnswer | null => {
    const header = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    const token = header ?? body['access_token'] ?? request.query.get('access_token')
    if (!isText(token)) return refused(104, 'An access token is required to request this resource.')
    return accessToken !== undefined && token !== accessToken
      ? refused(190, 'Invalid OAuth access token - Cannot parse access token')
      : null
  }

  const batchFault = (body: Json): Fault | null => {
    const unknown = Object.keys(body).find((key) => !envelopeFields.has(key))
    if (unknown !== undefined) return fault(`${unknown} is unknown`)
    const agent = body['partner_agent']
    if (agent !== undefined && !(isText(agent) && agent.length < 23 && /[a-z].*[a-z]/i.test(agent)))
      return fault('partner_agent is malformed')
    const data = body['data']
    if (!Array.isArray(data) || data.length === 0) return fault('data is required')
    if (data.length > maxEvents) return fault(`data holds more than ${maxEvents} events`)
    for (const event of data) {
      const found = eventFault(event, now() / 1000)
      if (found !== null) return found
    }
    return null
  }

  /** https://developers.facebook.com/docs/graph-api/reference/debug_token (2026-11-20): a token may ask about itself. */
  const debugToken = ({ query }: PlatformRequest): PlatformAnswer => {
    const inspected = query.get('input_token')
    if (!isText(inspected)) return refused(100, '(#100) The parameter input_token is required')
    const isKnown = accessToken === undefined || inspected === accessToken
    const isOver = tokenEndsAt !== undefined && tokenEndsAt <= now()
    return {
      status: 200,
      body: {
        data: {
          app_id: '1234567890',
          type: 'SYSTEM_USER',
          application: 'Stand-in',
          ...(isKnown && !isOver
            ? {}
            : {
                error: {
                  code: 190,
                  message: isKnown
                    ? 'Error validating access token: Session has expired'
                    : 'Malformed access token',
                },
              }),
          expires_at: tokenEndsAt === undefined ? 0 : Math.floor(tokenEndsAt / 1000),
          is_valid: isKnown && !isOver,
          scopes: isKnown ? ['ads_management'] : [],
        },
      },
    }
  }

  const pixelShown = (request: PlatformRequest, pixel: string): PlatformAnswer => {
    if ((pixelId !== undefined && pixel !== pixelId) || !mayLook)
      return refused(
        100,
        'Unsupported get request. Object does not exist, or cannot be loaded due to missing permissions',
        {
          subcode: 33,
          type: 'GraphMethodException',
        },
      )
    const strange = (request.query.get('fields') ?? '')
      .split(',')
      .find((field) => field !== 'id' && field !== 'name')
    return strange === undefined
      ? { status: 200, body: { id: pixel, name: 'The shop' } }
      : refused(100, `(#100) Tried accessing nonexisting field (${strange})`)
  }

  const look = (request: PlatformRequest, version: string, what: string): PlatformAnswer => {
    if (Number(version) < oldestVersion)
      return refused(2635, 'You are calling a deprecated version of the Ads API.')
    return (
      tokenFault(request, {}) ?? (what === 'debug_token' ? debugToken(request) : pixelShown(request, what))
    )
  }

  const take = (request: PlatformRequest): PlatformAnswer => {
    const [, lookVersion, what] = /^\/v(\d+)\.0\/(\d+|debug_token)$/.exec(request.path) ?? []
    if (request.method === 'GET' && lookVersion !== undefined && what !== undefined)
      return look(request, lookVersion, what)
    const place = /^\/v(\d+)\.0\/(\d+)\/events$/.exec(request.path)
    const [, version, pixel] = place ?? []
    if (version === undefined || pixel === undefined)
      return refused(2500, 'Unknown path components', { type: 'OAuthException' })
    if (Number(version) < oldestVersion)
      return refused(2635, 'You are calling a deprecated version of the Ads API.')
    const body = isObject(request.json) ? request.json : {}
    const badToken = tokenFault(request, body)
    if (badToken !== null) return badToken
    if (request.method !== 'POST' || (pixelId !== undefined && pixel !== pixelId))
      return refused(100, `Unsupported ${request.method.toLowerCase()} request. Object does not exist`, {
        subcode: 33,
        type: 'GraphMethodException',
      })
    if (request.headers['content-type']?.split(';', 1)[0] !== 'application/json' || !isObject(request.json))
      return refused(100, 'Invalid parameter')
    const found = batchFault(body)
    if (found !== null) return refused(100, found.message, found)
    const data = body['data'] as readonly MetaEvent[]
    for (const event of data) keep(pixel, event, body['test_event_code'] !== undefined)
    return { status: 200, body: { events_received: data.length, messages: [], fbtrace_id: trace } }
  }

  return extend(await startPlatform(take, options), {
    received,
    tested,
    get deduplicated() {
      return deduplicated
    },
  })
}

if (import.meta.main) await runByHand('Meta', startMeta)
