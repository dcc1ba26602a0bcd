import { z } from 'zod'
import type { AnyDestination, HttpRequest } from '../../src/destinations/destination.ts'
import { isCurrency } from '../../src/event/money.ts'
import type { GoldenCase } from './golden.ts'

/** What holds for every request of every destination. Each function lists what is wrong. */

/** Every member of a JSON value with the name it stands under. */
const members = (value: unknown, name = ''): readonly (readonly [string, unknown])[] => {
  if (Array.isArray(value)) return value.flatMap((item) => members(item, name))
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, item]) => members(item, key))
  return [[name, value]]
}

const milliseconds = (time: number): number => {
  if (time >= 1e15) return time / 1000
  return time >= 1e12 ? time : time * 1000
}

const timeName = /(?:^|_)time$|timestamp/i
const hashedName = /^(?:em|ph|fn|ln|ge|db|ct|st|zp|country|external_id|hashed_.*|sha256_.*|.*_sha256)$/
/** Meta's own builder appends to a hash. */
const digest = /^[0-9a-f]{64}(?:\.[\w-]{8}|\.[\w-]{2})?$/

const memberFault = (key: string, value: unknown, now: number, maxAgeMs: number): string | null => {
  if (value === null || value === '') return `${key} is empty`
  if (timeName.test(key) && typeof value === 'number') {
    const time = milliseconds(value)
    return time > now + 60_000 || time < now - maxAgeMs ? `${key} is not of now` : null
  }
  if (hashedName.test(key))
    return typeof value === 'string' && digest.test(value) ? null : `${key} is not hashed`
  if (key === 'value') return Number.isFinite(Number(value)) ? null : 'value is no number'
  if (key === 'currency') return typeof value === 'string' && isCurrency(value) ? null : 'currency is none'
  return null
}

const personalFields = ['email', 'phone', 'firstName', 'lastName'] as const

const personFaults = (golden: GoldenCase, text: string): readonly string[] =>
  golden.events.flatMap(({ userData = {} }) =>
    personalFields.filter((field) => {
      const raw = userData[field]?.trim().toLowerCase() ?? ''
      return raw !== '' && !/^[0-9a-f]{64}/.test(raw) && text.toLowerCase().includes(raw)
    }),
  )

const withoutHeaders =
  (...names: readonly string[]) =>
  (request: HttpRequest): HttpRequest => ({
    ...request,
    headers: { ...request.headers, ...Object.fromEntries(names.map((name) => [name, ''])) },
  })

const withoutParameter =
  (name: string) =>
  (request: HttpRequest): HttpRequest => ({
    ...request,
    url: request.url.replace(new RegExp(`(?<=[?&]${name}=)[^&]*`), ''),
  })

/** Where a destination's secrets belong; nowhere else may they be seen. */
const withoutSecretPlace: Readonly<Record<string, (request: HttpRequest) => HttpRequest>> = {
  meta: withoutHeaders('authorization'),
  ga4: withoutParameter('api_secret'),
  tiktok: withoutHeaders('access-token'),
  snapchat: withoutParameter('access_token'),
  pinterest: withoutHeaders('authorization'),
  x: withoutHeaders('x-pixel-token', 'authorization'),
  google_ads: withoutHeaders('authorization', 'developer-token'),
}
/** A webhook's owner puts secrets where they like. */
const secretsAnywhere: ReadonlySet<string> = new Set(['webhook'])

const secretsOf = (schema: z.ZodType, settings: Readonly<Record<string, unknown>>): readonly string[] => {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return Object.entries(properties)
    .filter(([, property]) => typeof property === 'object' && property['secret'] === true)
    .map(([name]) => settings[name])
    .filter((value) => typeof value === 'string')
}

const secretFaults = (
  { name, settings: schema }: AnyDestination,
  golden: GoldenCase,
  request: HttpRequest,
): readonly string[] => {
  if (secretsAnywhere.has(name)) return []
  const place = withoutSecretPlace[name]
  if (place === undefined) return [`nobody has said where the secrets of ${name} belong`]
  const elsewhere = JSON.stringify(place(request))
  return secretsOf(schema, golden.settings)
    .filter((secret) => elsewhere.includes(secret))
    .map(() => 'a secret is out of its place')
}

export const invariantFaults = (
  destination: AnyDestination,
  golden: GoldenCase,
  request: HttpRequest,
  body: unknown,
): readonly string[] => {
  const now = Date.parse(golden.now)
  const text = `${request.url} ${JSON.stringify(request.headers)} ${request.body}`
  return [
    ...members(body)
      // The owner of a webhook writes its body.
      .map(([key, value]) =>
        destination.name === 'webhook' ? null : memberFault(key, value, now, destination.limits.maxAgeMs),
      )
      .filter((fault) => fault !== null),
    ...(golden.settings['allowPlainPii'] === true ? [] : personFaults(golden, text)),
    ...secretFaults(destination, golden, request),
  ]
}
