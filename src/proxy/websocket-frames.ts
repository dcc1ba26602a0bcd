import { randomBytes } from 'node:crypto'

/**
 * Where the frames of a WebSocket begin and end (RFC 6455 section 5.2), for whoever wants to say a last word in between.
 * Frames are stepped over by their lengths: nothing is unmasked, copied or understood.
 *
 *     FIN RSV opcode │ MASK length 7 │ length 0, 16 or 64 │ mask 0 or 32 │ payload
 */
export interface FrameWalk {
  /** True where a frame of ours would stand between two others, even amid the fragments of a message. */
  readonly between: boolean
  /** The side has said its own last word, behind which nothing may follow. */
  readonly over: boolean
  pass(bytes: Buffer): void
  /** Of these bytes, how many belong to the frame under way. Once it is whole, `between` is true. */
  finish(bytes: Buffer): number
}

const closing = 0x8

/** The mask bit and length of seven bits to what the rest of the head takes. */
const headBytes = (second: number): number => {
  const short = second & 0x7f
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0)
}

const payloadBytes = (head: Buffer): number => {
  const short = (head[1] ?? 0) & 0x7f
  return short === 126 ? head.readUInt16BE(2) : short === 127 ? Number(head.readBigUInt64BE(2)) : short
}

export const walkFrames = (): FrameWalk => {
  const head = Buffer.alloc(14)
  let seen = 0
  let left = 0
  let closes = false
  let over = false

  const walk = (bytes: Buffer, toBoundary: boolean): number => {
    let at = 0
    while (at < bytes.length && !over) {
      if (left > 0) {
        const step = Math.min(left, bytes.length - at)
        left -= step
        at += step
      } else {
        head[seen] = bytes[at] ?? 0
        seen += 1
        at += 1
        if (seen < 2 || seen < headBytes(head[1] ?? 0)) continue
        left = payloadBytes(head)
        seen = 0
        closes = ((head[0] ?? 0) & 0xf) === closing
      }
      if (left > 0) continue
      over = closes
      if (toBoundary) break
    }
    return at
  }

  return {
    get between() {
      return seen === 0 && left === 0
    },
    get over() {
      return over
    },
    pass(bytes) {
      walk(bytes, false)
    },
    finish: (bytes) => walk(bytes, true),
  }
}

/** "Going away" (section 7.4.1), as a server says it. */
export const farewell: Buffer = Buffer.from([0x88, 0x02, 0x03, 0xe9])

/** The same as a client says it: masked, by a key that cannot be foreseen (section 5.3). */
export const maskedFarewell = (): Buffer => {
  const key = randomBytes(4)
  const [code = 0, detail = 0] = farewell.subarray(2)
  return Buffer.from([0x88, 0x82, ...key, code ^ (key[0] ?? 0), detail ^ (key[1] ?? 0)])
}
