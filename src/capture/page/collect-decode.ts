/** Undoes a body's content codings, in pieces on zlib's threads, and never past a limit. */
import type { Transform } from 'node:stream'
import { constants, createBrotliDecompress, createInflateRaw, createZstdDecompress } from 'node:zlib'

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

const codingOf: ReadonlyMap<string, Coding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
])

const maxCodings = 2

/** The codings of a Content-Encoding field, in the order they were applied; `null` when one is unknown or they are too many. */
export const readCodings = (field: string | null): readonly Coding[] | null => {
  const names = (field ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  const codings = names.flatMap((name) => codingOf.get(name) ?? [])
  return codings.length === names.length && codings.length <= maxCodings ? codings : null
}

/** `whole`: the end was reached. `cut`: a limit came first. `broken`: the bytes are not what their coding says. */
export interface Decoded {
  readonly bytes: Buffer
  readonly end: 'whole' | 'cut' | 'broken'
}

/**
 * Small pieces in, because brotli gives out nothing of a piece it fails on; small pieces out, so that the loop turns
 * between them and a bomb is noticed early.
 */
const pieceIn = 16 * 1024
const pieceOut = 32 * 1024

/** RFC 9659: what a zstd body may ask for. The library's own limit lets a few bytes demand 128 MiB. */
export const zstdWindowLog = 23

const zstdFrame = 0xfd2fb528
const zstdSkippableFrame = 0x184d2a50
/** Each frame costs a decoder, and an empty one is nine bytes long. */
const maxZstdFrames = 32

const gzipFlags = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const

/** RFC 1952, 2.3: where the deflate stream begins; `null` when this is no gzip header. */
export const afterGzipHeader = (bytes: Buffer): number | null => {
  if (bytes.length < 10 || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return null
  const flags = bytes[3] ?? 0
  let at = 10
  if ((flags & gzipFlags.extra) !== 0) {
    if (at + 2 > bytes.length) return null
    at += 2 + bytes.readUInt16LE(at)
  }
  for (const text of [gzipFlags.name, gzipFlags.comment]) {
    if ((flags & text) === 0) continue
    const zero = bytes.indexOf(0, at)
    if (zero < 0) return null
    at = zero + 1
  }
  return (flags & gzipFlags.headerCrc) === 0 ? at : at + 2
}

/** RFC 9110, 8.4.1.2: "deflate" is the zlib format, yet some servers send the bare stream, and every browser reads both. */
export const afterZlibHeader = (bytes: Buffer): number => {
  if (bytes.length < 2) return 0
  const head = bytes.readUInt16BE(0)
  return (head & 0x0f00) === 0x0800 && head % 31 === 0 ? 2 : 0
}

/**
 * gzip and zlib are unwrapped here and inflated bare: as in browsers, what follows the first member is ignored, and a
 * wrong checksum or a stray newline at the end does not cost the last piece of a page that the visitor sees whole.
 */
const openDecoder = (coding: Coding): Transform & { readonly bytesWritten: number } => {
  switch (coding) {
    case 'gzip':
    case 'deflate':
      return createInflateRaw({ chunkSize: pieceOut })
    case 'br':
      return createBrotliDecompress({ chunkSize: pieceOut })
    case 'zstd':
      return createZstdDecompress({
        chunkSize: pieceOut,
        params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog },
      })
  }
}

interface Pass {
  /** No more than this comes out. */
  readonly maxBytes: number
  /** Whether `bytes` are all there are: else their running out is no fault of theirs. */
  readonly complete: boolean
  readonly signal: AbortSignal
}

/** One run of one decoder; `consumed` tells what it left over. */
const run = (bytes: Buffer, coding: Coding, pass: Pass): Promise<Decoded & { readonly consumed: number }> =>
  new Promise((resolve) => {
    const decoder = openDecoder(coding)
    const parts: Buffer[] = []
    let size = 0
    let settled = false
    const settle = (end: Decoded['end']): void => {
      if (settled) return
      settled = true
      pass.signal.removeEventListener('abort', stop)
      const consumed = decoder.bytesWritten
      decoder.destroy()
      resolve({ bytes: Buffer.concat(parts, size), end, consumed })
    }
    const stop = (): void => settle('cut')
    if (pass.signal.aborted) return stop()
    pass.signal.addEventListener('abort', stop, { once: true })

    decoder.on('error', () => settle('broken'))
    decoder.on('end', () => settle('whole'))
    decoder.on('data', (piece: Buffer) => {
      if (settled) return
      const kept = piece.subarray(0, pass.maxBytes - size)
      parts.push(kept)
      size += kept.length
      if (kept.length < piece.length) settle('cut')
    })

    const feed = (at: number): void => {
      if (settled) return
      if (at < bytes.length) {
        decoder.write(bytes.subarray(at, at + pieceIn), (error) => {
          // An error has been told to its listener already.
          if (error === null || error === undefined) feed(at + pieceIn)
        })
      } else if (pass.complete) decoder.end()
      else settle('cut')
    }
    feed(0)
  })

export const isZstdFrame = (bytes: Buffer): boolean => {
  if (bytes.length < 4) return false
  const magic = bytes.readUInt32LE(0)
  return magic === zstdFrame || (magic & 0xfffffff0) === zstdSkippableFrame
}

/** RFC 8878, 3.1: frames may follow one another; Node's decoder stops after the first. */
const decodeZstd = async (bytes: Buffer, pass: Pass): Promise<Decoded> => {
  const parts: Buffer[] = []
  let room = pass.maxBytes
  let rest = bytes
  for (let frames = 0; frames < maxZstdFrames; frames++) {
    const frame = await run(rest, 'zstd', { ...pass, maxBytes: room })
    parts.push(frame.bytes)
    room -= frame.bytes.length
    rest = rest.subarray(frame.consumed)
    if (frame.end !== 'whole' || frame.consumed === 0 || !isZstdFrame(rest))
      return { bytes: Buffer.concat(parts), end: frame.end }
  }
  return { bytes: Buffer.concat(parts), end: 'cut' }
}

const decodeOne = async (bytes: Buffer, coding: Coding, pass: Pass): Promise<Decoded> => {
  if (coding === 'zstd') return decodeZstd(bytes, pass)
  if (coding === 'br') return run(bytes, coding, pass)
  const from = coding === 'gzip' ? afterGzipHeader(bytes) : afterZlibHeader(bytes)
  if (from === null) return { bytes: Buffer.alloc(0), end: pass.complete ? 'broken' : 'cut' }
  return run(bytes.subarray(from), coding, pass)
}

export interface DecodeOptions {
  readonly codings: readonly Coding[]
  readonly maxEncodedBytes: number
  readonly maxDecodedBytes: number
  readonly complete: boolean
  /** Ends it at once, with what was there. */
  readonly signal: AbortSignal
}

/** Never rejects. What was decoded before a limit or a fault still counts. */
export const decode = async (body: Buffer, options: DecodeOptions): Promise<Decoded> => {
  const { codings, maxEncodedBytes, maxDecodedBytes, signal } = options
  let decoded: Decoded = { bytes: body, end: options.complete ? 'whole' : 'cut' }
  for (const [left, coding] of codings.toReversed().entries()) {
    const last = left === codings.length - 1
    const before = decoded.end
    const { bytes, end } = await decodeOne(decoded.bytes, coding, {
      maxBytes: last ? maxDecodedBytes : maxEncodedBytes,
      complete: before === 'whole',
      signal,
    })
    // A fault or a limit of the outer coding is not undone by the inner one's coming to its end.
    decoded = { bytes, end: worse(before, end) }
  }
  if (decoded.bytes.length <= maxDecodedBytes) return decoded
  return { bytes: decoded.bytes.subarray(0, maxDecodedBytes), end: worse(decoded.end, 'cut') }
}

const worse = (a: Decoded['end'], b: Decoded['end']): Decoded['end'] => {
  if (a === 'broken' || b === 'broken') return 'broken'
  return a === 'cut' || b === 'cut' ? 'cut' : 'whole'
}
