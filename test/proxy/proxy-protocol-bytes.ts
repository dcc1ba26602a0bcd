/** Headers of the PROXY protocol as balancers write them. */

export const line = (text: string): Buffer => Buffer.from(`PROXY ${text}\r\n`, 'latin1')

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Version 2 with any command, family and body, sound or not. */
export const binary = (command: number, family: number, body: Buffer, length = body.length): Buffer => {
  const fixed = Buffer.concat([signature, Buffer.from([command, family, 0, 0])])
  fixed.writeUInt16BE(length, 14)
  return Buffer.concat([fixed, body])
}

export const field = (type: number, value: Buffer | string): Buffer => {
  const head = Buffer.from([type, 0, 0])
  head.writeUInt16BE(Buffer.byteLength(value), 1)
  return Buffer.concat([head, Buffer.from(value)])
}

const ports = Buffer.from([0xc3, 0x50, 0x01, 0xbb])

export const tcp4 = (source: string, ...fields: readonly Buffer[]): Buffer => {
  const address = Buffer.from(source.split('.').map(Number))
  return binary(0x21, 0x11, Buffer.concat([address, Buffer.from([192, 0, 2, 1]), ports, ...fields]))
}

/** Both addresses in 32 hexadecimal digits. */
export const tcp6 = (source: string): Buffer =>
  binary(0x21, 0x21, Buffer.concat([Buffer.from(source.repeat(2), 'hex'), ports]))
