import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createDeflate,
  createGzip,
  createInflateRaw,
  createZstdCompress,
  createZstdDecompress,
} from 'node:zlib'
import {
  afterGzipHeader,
  afterZlibHeader,
  isZstdFrame,
  zstdWindowLog,
  type Coding,
} from '../capture/page/collect-decode.ts'

/** Content codings undone and done again while a page passes. */

export interface Decoder {
  /** One piece at a time: the next when `taken` has been called. */
  write(piece: Buffer, taken: () => void): void
  /** No more pieces; what was begun is brought to its end. */
  end(): void
  /** What has been decoded waits until `resume`. */
  pause(): void
  resume(): void
  destroy(): void
}

export interface DecoderEvents {
  readonly give: (bytes: Buffer) => void
  /** Once, after everything was given. `broken`: the bytes were not what their coding says. */
  readonly ended: (broken: boolean) => void
}

const chunkSize = 32 * 1024

type Zlib = Transform & { readonly bytesWritten: number }

/** gzip and zlib are unwrapped by us and inflated bare, for the reasons given at the collector's decoders. */
const openInner = (coding: Coding): Zlib => {
  switch (coding) {
    case 'gzip':
    case 'deflate':
      // A stream that lacks its end is shown by browsers as far as it goes.
      return createInflateRaw({ chunkSize, finishFlush: constants.Z_SYNC_FLUSH })
    case 'br':
      return createBrotliDecompress({ chunkSize })
    case 'zstd':
      return createZstdDecompress({
        chunkSize,
        params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog },
      })
  }
}

/** Of a gzip header with a name and a comment; more is no header. */
const longestHeader = 65_536

/** The bytes behind the wrapping; `null`: more are needed to tell. `broken`: there is no such wrapping. */
const unwrap = (coding: Coding, begun: Buffer): Buffer | null | 'broken' => {
  if (coding === 'deflate') return begun.length < 2 ? null : begun.subarray(afterZlibHeader(begun))
  if (coding !== 'gzip') return begun
  if (begun.length >= 3 && (begun[0] !== 0x1f || begun[1] !== 0x8b || begun[2] !== 8)) return 'broken'
  const from = afterGzipHeader(begun)
  if (from !== null && from <= begun.length) return begun.subarray(from)
  return begun.length > longestHeader ? 'broken' : null
}

export const createDecoder = (coding: Coding, { give, ended }: DecoderEvents): Decoder => {
  let inner: Zlib | null = null
  /** Before the wrapping is off. */
  let begun: Buffer | null = Buffer.alloc(0)
  let over = false
  let paused = false
  let ending = false
  let wasBroken = false
  /** Given to the inner decoder before the piece it has now. */
  let fedBefore = 0
  let piece: Buffer = Buffer.alloc(0)
  let taken: (() => void) | null = null

  const takeOn = (): void => {
    const next = taken
    taken = null
    next?.()
  }

  /** What still comes has no meaning any more, and is taken and left. */
  const finish = (broken: boolean): void => {
    if (over) return
    over = true
    inner?.destroy()
    wasBroken = broken
    // Whoever is told that the last piece is taken may end it there and then.
    if (ending) ended(broken)
    else takeOn()
  }
  const feed = (bytes: Buffer): void => {
    const target = (inner ??= open())
    piece = bytes
    target.write(bytes, (error) => {
      // An error has been told to its listener already.
      if (error !== null && error !== undefined) return
      if (inner !== target || over) return
      fedBefore += bytes.length
      takeOn()
    })
  }

  /** Frames may follow one another (RFC 8878 section 3.1); Node's decoder stops after the first. */
  const nextFrame = (ended: Zlib): boolean => {
    const rest = piece.subarray(ended.bytesWritten - fedBefore)
    if (coding !== 'zstd' || taken === null || !isZstdFrame(rest)) return false
    inner = null
    fedBefore = 0
    feed(rest)
    return true
  }

  const open = (): Zlib => {
    const stream = openInner(coding)
    stream.on('data', (bytes: Buffer) => {
      if (!over) give(bytes)
    })
    stream.on('error', () => finish(true))
    stream.on('end', () => {
      if (inner === stream && !over && !nextFrame(stream)) finish(false)
    })
    if (paused) stream.pause()
    return stream
  }

  return {
    write: (bytes, done) => {
      if (over) {
        done()
        return
      }
      taken = done
      if (begun === null) {
        feed(bytes)
        return
      }
      begun = Buffer.concat([begun, bytes])
      const rest = unwrap(coding, begun)
      if (rest === 'broken') finish(true)
      else if (rest === null) takeOn()
      else {
        begun = null
        feed(rest)
      }
    },
    end: () => {
      ending = true
      if (over) ended(wasBroken)
      else if (inner === null) finish(begun !== null && begun.length > 0)
      else inner.end()
    },
    pause: () => {
      paused = true
      inner?.pause()
    },
    resume: () => {
      paused = false
      inner?.resume()
    },
    destroy: () => {
      over = true
      inner?.destroy()
    },
  }
}

/** A page is written once for one visitor: quickly rather than small. */
const brotliQuality = 4
const zstdLevel = 3

/** 256 KiB at most look back: that much memory, for as long as the slowest visitor reads. */
const brotliWindowLog = 18

export const createEncoder = (coding: Coding): Transform & { flush(): void } => {
  switch (coding) {
    case 'gzip':
      return createGzip({ chunkSize })
    case 'deflate':
      return createDeflate({ chunkSize })
    case 'br':
      return createBrotliCompress({
        chunkSize,
        params: {
          [constants.BROTLI_PARAM_QUALITY]: brotliQuality,
          [constants.BROTLI_PARAM_LGWIN]: brotliWindowLog,
        },
      })
    case 'zstd':
      return createZstdCompress({ chunkSize, params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } })
  }
}
