import type { RequestFields } from './request-fields.ts'

/** What Node's parser lets pass and a gateway must not: each of these reads differently to two servers in a row. */

export interface Refusal {
  readonly status: 400 | 405 | 508
  /** Stable, for counters and logs. */
  readonly code:
    | 'two_hosts'
    | 'bad_host'
    | 'transfer_encoding'
    | 'absolute_form'
    | 'bad_target'
    | 'fragment'
    | 'asterisk'
    | 'method'
    | 'loop'
}

const refusal = (status: Refusal['status'], code: Refusal['code']): Refusal => ({ status, code })

const twoHosts = refusal(400, 'two_hosts')
const badHost = refusal(400, 'bad_host')
const transferEncoding = refusal(400, 'transfer_encoding')
const absoluteForm = refusal(400, 'absolute_form')
const badTarget = refusal(400, 'bad_target')
const fragment = refusal(400, 'fragment')
const asterisk = refusal(400, 'asterisk')
const method = refusal(405, 'method')
const loop = refusal(508, 'loop')

const hostForm = /^(?:[a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/** Exactly `chunked`, once: `identity, chunked` and `gzip, chunked` are how front and back come to disagree. */
const oddTransferEncoding = (values: readonly string[] | null, httpMinor: number): boolean =>
  values !== null && (httpMinor === 0 || values.length !== 1 || !/^chunked$/i.test(values[0]?.trim() ?? ''))

const refuseTarget = (verb: string, target: string): Refusal | null => {
  if (target === '*') return verb === 'OPTIONS' ? null : asterisk
  if (target.charCodeAt(0) !== 47) return /^[a-z][a-z0-9+.-]*:/i.test(target) ? absoluteForm : badTarget
  return target.includes('#') ? fragment : null
}

/** `null`: nothing against it. `via` is our own name, by which a request that went in a circle is known. */
export const refuse = (
  verb: string,
  target: string,
  httpMinor: number,
  fields: RequestFields,
  via: string,
): Refusal | null => {
  if (fields.hostLines > 1) return twoHosts
  if (fields.hostLines === 1 ? !hostForm.test(fields.host) : httpMinor > 0) return badHost
  if (oddTransferEncoding(fields.transferEncodings, httpMinor)) return transferEncoding
  // TRACE answers with what it was sent, cookies and all.
  if (verb === 'TRACE' || verb === 'CONNECT') return method
  if (fields.via !== '' && fields.via.includes(via)) return loop
  return refuseTarget(verb, target)
}
