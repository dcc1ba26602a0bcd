// WebSocket frames (RFC 6455 section 5.2), as small as tests need them.

export interface Frame {
  readonly opcode: number
  readonly payload: Buffer
}

const lengthOf = (size: number, mask: number): Buffer => {
  if (size < 126) return Buffer.from([mask | size])
  const head = Buffer.alloc(size < 65_536 ? 3 : 9)
  head[0] = mask | (size < 65_536 ? 126 : 127)
  if (size < 65_536) head.writeUInt16BE(size, 1)
  else head.writeBigUInt64BE(BigInt(size), 1)
  return head
}

/** A whole message in one frame; `masked` as a client must. */
export const frame = (payload: string | Buffer, { opcode = 1, masked = false } = {}): Buffer => {
  const bytes = Buffer.from(payload)
  const key = Buffer.from([1, 2, 3, 4])
  const body = masked ? bytes.map((byte, index) => byte ^ key[index % 4]!) : bytes
  const head = [Buffer.from([0x80 | opcode]), lengthOf(bytes.length, masked ? 0x80 : 0)]
  return Buffer.concat([...head, ...(masked ? [key] : []), body])
}

/** Takes the whole frames off the front of what was received. */
export const readFrames = (bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } => {
  const frames: Frame[] = []
  let rest = bytes
  for (;;) {
    if (rest.length < 2) return { frames, rest }
    const masked = (rest[1]! & 0x80) !== 0
    const short = rest[1]! & 0x7f
    const head = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (masked ? 4 : 0)
    if (rest.length < head) return { frames, rest }
    const size =
      short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short
    if (rest.length < head + size) return { frames, rest }
    const key = masked ? rest.subarray(head - 4, head) : Buffer.alloc(4)
    const payload = rest.subarray(head, head + size).map((byte, index) => byte ^ key[index % 4]!)
    frames.push({ opcode: rest[0]! & 0x0f, payload: Buffer.from(payload) })
    rest = rest.subarray(head + size)
  }
}
