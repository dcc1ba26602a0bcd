import { nominatedBy, withoutFields } from './hop-by-hop.ts'

/** One walk over an answer's raw headers, as undici gives them: buffers, in the order and case of the wire. */

export interface ResponseFields {
  /** End-to-end fields: order, case and repeats as they came. */
  readonly headers: string[]
  /** `null` when the origin gave none. */
  readonly contentLength: number | null
  /** Only the end of the connection tells where the answer ends. */
  readonly closeDelimited: boolean
  /** The origin named a transfer coding other than chunked; its body would be gibberish to the visitor. */
  readonly unreadable: boolean
}

const hop = new Set([
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'upgrade',
  'http2-settings',
])
const watched = new Set([...hop, 'connection', 'transfer-encoding', 'content-length', 'trailer'])

/**
 * `chunked`: the answer, should it have no length, reaches the client in chunks, so that trailers can follow. Elsewhere
 * `Trailer` would announce what cannot come (and Node refuses to write it).
 */
export const readResponseFields = (
  rawHeaders: readonly Buffer[],
  status: number,
  chunked: boolean,
): ResponseFields => {
  let headers: string[] = []
  let connection = ''
  let contentLength: number | null = null
  let transferEncoding = ''
  let trailerAt = -1
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toString('latin1') ?? ''
    const value = rawHeaders[index + 1]?.toString('latin1') ?? ''
    const lower = name.toLowerCase()
    if (!watched.has(lower)) headers.push(name, value)
    else if (lower === 'content-length') {
      contentLength = Number(value)
      // A 204 has no length to speak of (RFC 9110 section 8.6).
      if (status !== 204) headers.push(name, value)
    } else if (lower === 'connection') connection += `${connection === '' ? '' : ','}${value}`
    else if (lower === 'transfer-encoding')
      transferEncoding += `${transferEncoding === '' ? '' : ','}${value}`
    else if (lower === 'trailer') {
      trailerAt = headers.length
      headers.push(name, value)
    }
  }
  if (trailerAt >= 0 && (!chunked || contentLength !== null))
    headers = withoutFields(headers, new Set(['trailer']))
  const nominated = connection === '' ? null : nominatedBy(connection)
  return {
    headers: nominated === null ? headers : withoutFields(headers, nominated),
    contentLength,
    closeDelimited: contentLength === null && transferEncoding === '',
    unreadable: transferEncoding !== '' && !/^\s*(chunked|identity)\s*$/i.test(transferEncoding),
  }
}

/** The fields of a 1xx answer: hop-by-hop ones gone, framing too. */
export const readInformationFields = (rawHeaders: readonly Buffer[]): string[] => {
  const headers: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toString('latin1') ?? ''
    if (!watched.has(name.toLowerCase())) headers.push(name, rawHeaders[index + 1]?.toString('latin1') ?? '')
  }
  return headers
}

/** Fields that would change what the message is if they came after it (RFC 9110 section 6.5.1). */
const notInTrailers = new Set([
  ...watched,
  'host',
  'content-encoding',
  'content-type',
  'content-range',
  'authorization',
  'set-cookie',
  'cache-control',
  'location',
])

/** Trailers as pairs for `addTrailers`, those dropped that may not stand there, and those of `without`. */
export const readTrailers = (
  rawTrailers: readonly Buffer[],
  without: ReadonlySet<string> = new Set(),
): [string, string][] => {
  const trailers: [string, string][] = []
  for (let index = 0; index + 1 < rawTrailers.length; index += 2) {
    const name = rawTrailers[index]?.toString('latin1') ?? ''
    const lower = name.toLowerCase()
    if (!notInTrailers.has(lower) && !without.has(lower))
      trailers.push([name, rawTrailers[index + 1]?.toString('latin1') ?? ''])
  }
  return trailers
}

/**
 * undici decodes the reason phrase as UTF-8, Node writes it as latin1: back to the bytes of the wire. What cannot stand in
 * a status line is left out, and so is what was no UTF-8, for its bytes are lost.
 */
export const reasonPhrase = (statusText: string): string => {
  // oxlint-disable-next-line no-control-regex
  if (/^[\t\x20-\x7e]*$/.test(statusText)) return statusText
  // oxlint-disable-next-line no-control-regex
  return Buffer.from(statusText.replaceAll('\ufffd', ''), 'utf8')
    .toString('latin1')
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
}
