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
 * TikTok's Events API 2.0 as its papers and its partners' code describe it: HTTP 200 to everything, the verdict in `code`.
 * https://business-api.tiktok.com/portal/docs?id=1771101303285761, https://ads.tiktok.com/help/article/event-deduplication
 * (2026-11-20). Stricter than TikTok where TikTok is silent: a field it does not know is an error here, and so is an event
 * of more than seven days ago.
 */

type Json = Readonly<Record<string, unknown>>

export interface TiktokEvent {
  readonly event: string
  readonly event_time: number
  readonly event_id?: string
  readonly user: Json
  readonly properties?: Json
  readonly page?: Json
  readonly [field: string]: unknown
}

export interface TiktokPlatform extends Platform {
  /** What TikTok would count: the first of each pixel, name and id within 48 hours. */
  readonly received: readonly TiktokEvent[]
  /** Taken, and dropped as repeats. */
  readonly deduplicated: number
  /** What came with a test event code: shown, never counted. */
  readonly tested: readonly TiktokEvent[]
}

export interface TiktokOptions extends PlatformOptions {
  /** Any, when absent. */
  readonly pixelCode?: string
  /** Any that is not empty, when absent. */
  readonly accessToken?: string
  /** Besides those of the list: TikTok's has grown before. */
  readonly furtherCurrencies?: readonly string[]
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
/** In the clear: lower case, letters and digits. */
const isPlainWord: Check = (value) => typeof value === 'string' && /^[\p{Ll}\p{Lo}\p{M}\p{N}]+$/u.test(value)
const isId: Check = (value) => typeof value === 'string' && /^\S+$/.test(value)
const privateAddress =
  /^(?:10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|::$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i

const userChecks: Checks = {
  email: isDigests,
  phone: isDigests,
  external_id: isDigests,
  first_name: isDigest,
  last_name: isDigest,
  zip_code: isDigest,
  city: isPlainWord,
  state: isPlainWord,
  country: (value) => typeof value === 'string' && /^[a-z]{2}$/.test(value),
  ttclid: isId,
  ttp: isId,
  ip: (value) => typeof value === 'string' && isIP(value) !== 0 && !privateAddress.test(value),
  user_agent: isText,
  locale: (value) => typeof value === 'string' && /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/.test(value),
}

const contentChecks: Checks = {
  content_id: isText,
  content_name: isText,
  content_category: isText,
  content_type: isText,
  brand: isText,
  price: isNumber,
  quantity: isNumber,
}

const currencies = new Set(
  [
    'AED ARS AUD BDT BHD BIF BOB BRL CAD CHF CLP CNY COP CRC CZK DKK DZD EGP EUR GBP GTQ HKD HNL HUF IDR ILS INR ISK JPY',
    'KES KHR KRW KWD KZT MAD MOP MXN MYR NGN NIO NOK NZD OMR PEN PHP PKR PLN PYG QAR RON RUB SAR SEK SGD THB TRY TWD UAH',
    'USD VES VND ZAR',
  ].flatMap((line) => line.split(' ')),
)

const propertyChecks: Checks = {
  value: isNumber,
  currency: (value) => typeof value === 'string' && /^[A-Z]{3}$/.test(value),
  content_type: (value) => value === 'product' || value === 'product_group',
  content_ids: (value) => isList(value, isText),
  num_items: isNumber,
  order_id: isText,
  shop_id: isText,
  query: isText,
  search_string: isText,
  description: isText,
  status: isText,
  predicted_ltv: isNumber,
  delivery_category: (value) => value === 'in_store' || value === 'curbside' || value === 'home_delivery',
}

const pageChecks: Checks = { url: isAddress, referrer: isAddress }

/** The path of the first member that is unknown or malformed. */
const wrongMember = (value: unknown, checks: Checks, path: string): string | null => {
  if (!isObject(value)) return `${path}: Not a valid object`
  const wrong = Object.entries(value).find(([key, member]) => checks[key]?.(member) !== true)
  if (wrong === undefined) return null
  return checks[wrong[0]] === undefined
    ? `${path}.${wrong[0]}: Unknown field`
    : `${path}.${wrong[0]}: Not a valid value`
}

interface Rules {
  readonly nowSeconds: number
  readonly takesCurrency: (currency: string) => boolean
}

const propertiesFault = (
  properties: unknown,
  name: unknown,
  path: string,
  { takesCurrency }: Rules,
): string | null => {
  if (!isObject(properties)) return `${path}: Not a valid object`
  const { contents, ...others } = properties
  const wrong = wrongMember(others, propertyChecks, path)
  if (wrong !== null) return wrong
  if (contents !== undefined) {
    if (!Array.isArray(contents) || contents.length === 0) return `${path}.contents: Not a valid list`
    for (const [index, item] of contents.entries()) {
      if (isObject(item) && typeof item['content_id'] === 'number')
        return `${path}.contents.${index}.content_id: Not a valid string`
      const found = wrongMember(item, contentChecks, `${path}.contents.${index}`)
      if (found !== null) return found
    }
  }
  const { currency } = properties
  if (typeof currency === 'string' && !takesCurrency(currency)) return `${path}.currency: Not a valid choice`
  if (properties['value'] !== undefined && currency === undefined)
    return `${path}.currency: Missing data for required field`
  return name === 'Purchase' && properties['value'] === undefined
    ? `${path}.value: Missing data for required field`
    : null
}

const eventFields = new Set([
  'event',
  'event_time',
  'event_id',
  'user',
  'properties',
  'page',
  'limited_data_use',
])
const daySeconds = 86_400
const skewSeconds = 60

const timeFault = (time: unknown, nowSeconds: number): string | null => {
  if (!Number.isSafeInteger(time)) return 'event_time: Not a valid integer'
  const age = nowSeconds - (time as number)
  if (age < -skewSeconds) return 'event_time: lies in the future'
  return age > 7 * daySeconds ? 'event_time: is more than 7 days ago' : null
}

const matches = (user: Json): boolean =>
  ['email', 'phone', 'external_id', 'ttclid', 'ttp'].some((key) => key in user) ||
  ('ip' in user && 'user_agent' in user)

/** Names that TikTok keeps for others of its events: https://ads.tiktok.com/help/article/reserved-events (2026-11-20) */
const aliases: Readonly<Record<string, string>> = {
  CompletePayment: 'Purchase',
  AddBilling: 'AddPaymentInfo',
  Browse: 'PageView',
  Checkout: 'PlaceAnOrder',
  ClickForm: 'SubmitForm',
  ClickInDownloadPage: 'ClickButton',
  ClickToDownload: 'Download',
  Consult: 'Contact',
  ConsultByPhone: 'Contact',
  Registration: 'CompleteRegistration',
  StartCheckout: 'InitiateCheckout',
  ViewConsultationPage: 'ViewContent',
  ViewDownloadPage: 'ViewContent',
  ViewForm: 'ViewContent',
}
const countedName = (name: string): string => aliases[name] ?? name

const eventFault = (event: unknown, path: string, rules: Rules): string | null => {
  if (!isObject(event)) return `${path}: Not a valid object`
  const unknown = Object.keys(event).find((key) => !eventFields.has(key))
  if (unknown !== undefined) return `${path}.${unknown}: Unknown field`
  const { event: name, event_id: id, user, properties, page, limited_data_use: limited } = event
  if (!isText(name)) return `${path}.event: Not a valid string`
  if (id !== undefined && !isText(id)) return `${path}.event_id: Not a valid string`
  if (limited !== undefined && typeof limited !== 'boolean')
    return `${path}.limited_data_use: Not a valid boolean`
  const late = timeFault(event['event_time'], rules.nowSeconds)
  if (late !== null) return `${path}.${late}`
  const wrongUser = wrongMember(user, userChecks, `${path}.user`)
  if (wrongUser !== null) return wrongUser
  if (!matches(user as Json)) return `${path}.user: at least one identifier is required`
  const wrongPage = page === undefined ? null : wrongMember(page, pageChecks, `${path}.page`)
  if (wrongPage !== null) return wrongPage
  const counted = countedName(String(name))
  if (properties === undefined)
    return counted === 'Purchase' ? `${path}.properties: Missing data for required field` : null
  return propertiesFault(properties, counted, `${path}.properties`, rules)
}

const maxEvents = 1000
const envelopeFields = new Set(['event_source', 'event_source_id', 'test_event_code', 'partner_name', 'data'])

const envelopeFault = (body: Json): string | null => {
  const unknown = Object.keys(body).find((key) => !envelopeFields.has(key))
  if (unknown !== undefined) return `${unknown}: Unknown field`
  if (body['event_source'] !== 'web') return 'event_source: Not a valid choice'
  const wrong = ['event_source_id', 'test_event_code', 'partner_name'].find(
    (key) => key in body && !isText(body[key]),
  )
  if (wrong !== undefined) return `${wrong}: Not a valid string`
  if (!('event_source_id' in body)) return 'event_source_id: Missing data for required field'
  const { data } = body
  if (!Array.isArray(data) || data.length === 0) return 'data: Missing data for required field'
  return data.length > maxEvents ? `data: Length must be between 1 and ${maxEvents}` : null
}

const requestId = '20261120194300ABCDEF'
const answer = (code: number, message: string): PlatformAnswer => ({
  status: 200,
  body: { code, message, request_id: requestId, data: {} },
})

const dedupWindowMs = 48 * 3_600_000

export const startTiktok = async ({
  pixelCode,
  accessToken,
  furtherCurrencies = [],
  ...options
}: TiktokOptions = {}): Promise<TiktokPlatform> => {
  const now = options.now ?? Date.now
  const seenAt = new Map<string, number>()
  const received: TiktokEvent[] = []
  const tested: TiktokEvent[] = []
  let deduplicated = 0

  const keep = (pixel: string, event: TiktokEvent): void => {
    if (event.event_id !== undefined) {
      const key = JSON.stringify([pixel, countedName(event.event), event.event_id])
      const before = seenAt.get(key)
      if (before !== undefined && now() - before <= dedupWindowMs) {
        deduplicated += 1
        return
      }
      seenAt.set(key, now())
    }
    received.push(event)
  }

  const fault = (body: Json): string | null => {
    const found = envelopeFault(body)
    if (found !== null) return found
    const rules: Rules = {
      nowSeconds: now() / 1000,
      takesCurrency: (currency) => currencies.has(currency) || furtherCurrencies.includes(currency),
    }
    for (const [index, event] of (body['data'] as readonly unknown[]).entries()) {
      const wrong = eventFault(event, `data.${index}`, rules)
      if (wrong !== null) return wrong
    }
    return null
  }

  const take = (request: PlatformRequest): PlatformAnswer => {
    if (request.path !== '/open_api/v1.3/event/track/') return { status: 404, body: 'page not found' }
    if (request.method !== 'POST') return { status: 405, body: 'method not allowed' }
    const token = request.headers['access-token']
    if (typeof token !== 'string' || token === '') return answer(40104, 'Access token is missing.')
    if (accessToken !== undefined && token !== accessToken)
      return answer(40105, 'Access token is incorrect or has been revoked.')
    if (request.headers['content-type']?.split(';', 1)[0] !== 'application/json' || !isObject(request.json))
      return answer(40002, 'The request body is not valid JSON.')
    const body = request.json
    const named = body['event_source_id']
    const pixel = typeof named === 'string' ? named : ''
    if (pixelCode !== undefined && pixel !== '' && pixel !== pixelCode)
      return answer(40001, `No permission to operate pixel code: ${pixel}.`)
    const found = fault(body)
    if (found !== null) return answer(40002, found)
    const data = body['data'] as readonly TiktokEvent[]
    if (body['test_event_code'] === undefined) for (const event of data) keep(pixel, event)
    else tested.push(...data)
    return answer(0, 'OK')
  }

  return extend(await startPlatform(take, options), {
    received,
    tested,
    get deduplicated() {
      return deduplicated
    },
  })
}

if (import.meta.main) await runByHand('TikTok', startTiktok)
