import { compileTrust } from '../../../src/capture/client-address.ts'
import type { RequestHead } from '../../../src/capture/capture.ts'
import type { SiteTraffic } from '../../../src/capture/rules.ts'
import { readVisit, type Visit } from '../../../src/capture/visit.ts'
import { now } from './times.ts'

/** Visitors for tests of the cookies that the gateway sets. */

export const siteWith = (identity: SiteTraffic['identity'] = { setCookies: true }): SiteTraffic => ({
  id: 'shop',
  hosts: ['*'],
  origin: 'http://127.0.0.1:9',
  rules: [],
  ...(identity === undefined ? {} : { identity }),
})

export interface Asked {
  readonly target?: string
  readonly host?: string
  /** Beside the consent. */
  readonly cookie?: string
  readonly consent?: string | null
  readonly headers?: readonly string[]
  readonly at?: number
  readonly secure?: boolean
}

export const headOf = ({
  target = '/',
  host = 'shop.example.com',
  cookie = '',
  consent = 'marketing',
  headers = [],
  at = now,
  secure = true,
}: Asked = {}): RequestHead => {
  const cookies = [
    ...(consent === null ? [] : [`_sw_consent=${consent}`]),
    ...(cookie === '' ? [] : [cookie]),
  ]
  return {
    method: 'GET',
    target,
    rawHeaders: [
      'Host',
      host,
      'User-Agent',
      'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
      ...(cookies.length === 0 ? [] : ['Cookie', cookies.join('; ')]),
      ...headers,
    ],
    remoteAddress: '8.8.8.8',
    secure,
    receivedAt: at,
  }
}

const trust = compileTrust([])

export const visitOf = (asked: Asked = {}, site: SiteTraffic = siteWith()): Visit =>
  readVisit(headOf(asked), site, trust)

export interface SetCookie {
  readonly name: string
  /** As on the wire. */
  readonly value: string
  readonly attributes: readonly string[]
}

export const parseSetCookie = (field: string): SetCookie => {
  const [pair = '', ...attributes] = field.split('; ')
  const equals = pair.indexOf('=')
  return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes }
}

/** Of a list of fields: name, value, name, value, …. */
export const setCookiesIn = (fields: readonly string[]): readonly SetCookie[] =>
  fields.flatMap((name, index) =>
    index % 2 === 0 && name.toLowerCase() === 'set-cookie' ? [parseSetCookie(fields[index + 1] ?? '')] : [],
  )
