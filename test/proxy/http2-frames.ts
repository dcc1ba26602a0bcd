import type { RawConnection } from '../origins/raw-origin.ts'

/** HTTP/2 made of bytes (RFC 9113, RFC 7541): what no well-behaved client can be made to send. */

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flags = { ack: 1, endStream: 1, endHeaders: 4 } as const

export const errors = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  refused: 7,
  cancel: 8,
  calm: 11,
} as const

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export const frame = (
  type: number,
  flag: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flag, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const integer = (value: number, prefixBits: number): Buffer => {
  const most = 2 ** prefixBits - 1
  if (value < most) return Buffer.from([value])
  const bytes = [most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 7), bytes])
}

/** Each field as a literal that is not indexed, in the order given. */
export const block = (fields: readonly (readonly [name: string, value: string])[]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))

/** What every request begins with. */
export const requestFields = (
  method = 'GET',
  path = '/',
  authority = 'shop.test',
): readonly (readonly [string, string])[] => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', authority],
  [':path', path],
]

export const headers = (
  stream: number,
  fields: readonly (readonly [string, string])[],
  flag: number = flags.endStream | flags.endHeaders,
): Buffer => frame(types.headers, flag, stream, block(fields))

export const data = (stream: number, bytes: string, last = false): Buffer =>
  frame(types.data, last ? flags.endStream : 0, stream, Buffer.from(bytes, 'latin1'))

const code = (value: number): Buffer => {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(value)
  return payload
}

export const reset = (stream: number, error: number): Buffer => frame(types.reset, 0, stream, code(error))
export const windowUpdate = (stream: number, by: number): Buffer =>
  frame(types.windowUpdate, 0, stream, code(by))
export const ping = (): Buffer => frame(types.ping, 0, 0, Buffer.alloc(8))

/** Identifier and value pairs. */
export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer => {
  const payload = Buffer.alloc(6 * pairs.length)
  for (const [index, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  }
  return frame(types.settings, 0, 0, payload)
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const framesIn = (bytes: Buffer): readonly Frame[] => {
  const frames: Frame[] = []
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    if (end > bytes.length) break
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + 9, end),
    })
    at = end
  }
  return frames
}

/** The error code of a RST_STREAM or a GOAWAY. */
export const errorOf = ({ type, payload }: Frame): number =>
  payload.readUInt32BE(type === types.goaway ? 4 : 0)

const huffmanDigits: Readonly<Record<string, string>> = {
  '00000': '0',
  '00001': '1',
  '00010': '2',
  '011001': '3',
  '011010': '4',
  '011011': '5',
  '011100': '6',
  '011101': '7',
  '011110': '8',
  '011111': '9',
}
const indexedStatus = [200, 204, 206, 304, 400, 404, 500]

/** `:status` of a header block whose first field it is, by the static table or as a literal of digits. */
export const statusOf = ({ payload: block }: Frame): number => {
  // Behind an update of the table's size, where the peer says that it has heard ours.
  const payload = (block.readUInt8(0) & 0xe0) === 0x20 ? block.subarray(1) : block
  const first = payload.readUInt8(0)
  if (first >= 0x88 && first <= 0x8e) return indexedStatus[first - 0x88] ?? 0
  const length = payload.readUInt8(1)
  const value = payload.subarray(2, 2 + (length & 0x7f))
  if (length < 0x80) return Number(value.toString('latin1'))
  const bits = [...value].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; digits.length < 3;) {
    const width = huffmanDigits[bits.slice(at, at + 5)] === undefined ? 6 : 5
    digits += huffmanDigits[bits.slice(at, at + width)] ?? '?'
    at += width
  }
  return Number(digits)
}

export interface RawHttp2 {
  send(...frames: readonly Buffer[]): void
  /** All received so far. */
  frames(): readonly Frame[]
  /** Resolves with the first frame that fits, or `null` when the connection has closed without one. */
  until(fits: (frame: Frame) => boolean): Promise<Frame | null>
}

/** Takes over a connection on which `h2` was agreed: sends the preface, and acknowledges nothing by itself. */
export const speakHttp2 = (connection: RawConnection): RawHttp2 => {
  const { socket } = connection
  const received = (): readonly Frame[] => framesIn(Buffer.from(connection.received(), 'latin1'))
  // Without a dynamic table, so that each header block can be read by itself.
  socket.write(Buffer.concat([preface, settings([1, 0])]))
  let gone = false
  void connection.closed().then(() => (gone = true))
  return {
    send: (...frames) => void socket.write(Buffer.concat(frames)),
    frames: received,
    async until(fits) {
      for (;;) {
        const found = received().find(fits)
        if (found !== undefined || gone) return found ?? null
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}
