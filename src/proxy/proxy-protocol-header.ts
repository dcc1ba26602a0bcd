import { isIP } from 'node:net'

/**
 * The header of the PROXY protocol, versions 1 (a line) and 2 (binary), as haproxy's `proxy-protocol.txt` has it:
 * what a balancer writes before the visitor's own bytes so that we learn who they are.
 */
export type ProxyHeader =
  /** As far as it goes it may still become a header. */
  | { readonly kind: 'more' }
  | { readonly kind: 'wrong'; readonly reason: string }
  /** The first `length` bytes. `address`: the visitor's; of the balancer's own connections `local`, of others `null`. */
  | { readonly kind: 'whole'; readonly length: number; readonly address: string | typeof local | null }

/** The connection is the balancer's own, to see whether we are there. */
export const local = Symbol('local')

const more: ProxyHeader = { kind: 'more' }
const wrong = (reason: string): ProxyHeader => ({ kind: 'wrong', reason })

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const lineStart = Buffer.from('PROXY ', 'latin1')

/** With its CR LF, by section 2.1. */
const longestLine = 107

/** What the bytes say so far. Total: any bytes have an answer, and a longer beginning never takes a verdict back. */
export const readProxyHeader = (bytes: Buffer): ProxyHeader => {
  const start = bytes[0] === signature[0] ? signature : lineStart
  const seen = Math.min(bytes.length, start.length)
  if (start.compare(bytes, 0, seen, 0, seen) !== 0) return wrong('signature')
  if (seen < start.length) return more
  return start === signature ? readBinary(bytes) : readLine(bytes)
}

const port = /^(?:0|[1-9]\d{0,4})$/

const readLine = (bytes: Buffer): ProxyHeader => {
  const end = bytes.subarray(0, longestLine).indexOf('\r\n')
  if (end < 0) return bytes.length >= longestLine ? wrong('line_length') : more
  const length = end + 2
  const [protocol, source = '', target = '', ...ports] = bytes.toString('latin1', 6, end).split(' ')
  // Whatever stands behind it says nothing.
  if (protocol === 'UNKNOWN') return { kind: 'whole', length, address: null }
  const family = protocol === 'TCP4' ? 4 : protocol === 'TCP6' ? 6 : 0
  if (family === 0) return wrong('protocol')
  // A zone is of a link, and not of an address on the wire.
  if (isIP(source) !== family || isIP(target) !== family || source.includes('%')) return wrong('address')
  if (ports.length !== 2 || ports.some((text) => !port.test(text) || Number(text) > 65_535))
    return wrong('port')
  return { kind: 'whole', length, address: source }
}

const fixedLength = 16
/** Of both addresses and ports, by family. */
const addressBytes: Readonly<Record<number, number>> = { 0x1: 12, 0x2: 36, 0x3: 216 }

const readBinary = (bytes: Buffer): ProxyHeader => {
  if (bytes.length < fixedLength) {
    const version = bytes[12]
    return version !== undefined && version >> 4 !== 2 ? wrong('version') : more
  }
  const [version = 0, family = 0] = bytes.subarray(12)
  if (version >> 4 !== 2) return wrong('version')
  const command = version & 0xf
  if (command > 1) return wrong('command')
  const length = fixedLength + bytes.readUInt16BE(14)
  const transport = family & 0xf
  // A datagram cannot have opened this connection.
  if (command === 1 && (transport > 1 || family >> 4 > 3)) return wrong('protocol')
  const needed = command === 1 && transport === 1 ? (addressBytes[family >> 4] ?? 0) : 0
  if (length < fixedLength + needed) return wrong('length')
  if (bytes.length < length) return more
  const header = bytes.subarray(0, length)
  if (command === 0) return { kind: 'whole', length, address: local }
  const fault = faultIn(header, fixedLength + needed)
  if (fault !== null) return wrong(fault)
  const at = fixedLength
  const address = needed === 12 ? showV4(header, at) : needed === 36 ? showV6(header, at) : null
  return { kind: 'whole', length, address }
}

const showV4 = (bytes: Buffer, at: number): string => bytes.subarray(at, at + 4).join('.')

const showV6 = (bytes: Buffer, at: number): string =>
  Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(at + 2 * group).toString(16)).join(':')

const checksumType = 0x03

/** The fields behind the addresses are none of ours, but they must fill their room, and a checksum must be right. */
const faultIn = (header: Buffer, from: number): string | null => {
  let at = from
  while (at < header.length) {
    if (at + 3 > header.length) return 'fields'
    const length = header.readUInt16BE(at + 1)
    const end = at + 3 + length
    if (end > header.length) return 'fields'
    if (header[at] === checksumType) {
      if (length !== 4) return 'checksum'
      const zeroed = Buffer.from(header)
      zeroed.fill(0, at + 3, end)
      if (crc32c(zeroed) !== header.readUInt32BE(at + 3)) return 'checksum'
    }
    at = end
  }
  return null
}

/** Castagnoli's polynomial (RFC 3720 appendix B.4); Node has only the other CRC-32. */
const crc32c = (bytes: Buffer): number => {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0)
  }
  return (crc ^ 0xffff_ffff) >>> 0
}
