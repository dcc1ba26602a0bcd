import type { Amendment, PageAmendment } from '../capture/capture.ts'
import type { Coding } from '../capture/page/collect-decode.ts'
import type { Client } from './client.ts'
import type { Front } from './exchange.ts'
import { withoutFields } from './hop-by-hop.ts'
import { createDecoder, createEncoder } from './recode.ts'
import type { ResponseFields } from './response-fields.ts'
import type { ProxyStats } from './stats.ts'

/**
 * An answer to which a site has had something added. Fields follow the origin's own; a page may get a tail:
 *
 *     origin ── piece ──> (decode) ── shown to capture ──> (encode) ──> visitor
 *                                             end ── tail ──┘
 *
 * Without a content coding no byte is touched on its way. With one, both ends are zlib's threads, a piece in the encoder is
 * flushed when the next is not there yet, and a slow visitor holds up the origin as ever.
 */

/** The amendment as it can be had now. Each compressed page costs memory for as long as its visitor reads. */
export const admit = (
  amendment: Amendment,
  { stats, limits }: Pick<Front, 'stats' | 'limits'>,
): Amendment => {
  const { fields, page } = amendment
  if (page === undefined || page.coding === null || stats.recoding < limits.pagesRecoded) return amendment
  guarded(page, stats).leave('busy')
  return { fields }
}

/** The origin's head with what the amendment adds, and without what it makes untrue. */
export const amendFields = (head: ResponseFields, { fields, page }: Amendment): ResponseFields =>
  page === undefined
    ? { ...head, headers: [...head.headers, ...fields] }
    : {
        ...head,
        headers: [...withoutFields(head.headers, page.without), ...fields],
        contentLength: null,
        closeDelimited: false,
      }

export interface AmendedPage {
  /** False: wait until `resume` is called, or the visitor's side drains. */
  write(piece: Buffer): boolean
  /** The page has passed, and nothing is waited for any more: its tail, and the end of the answer. */
  end(): void
  /** Nothing more reaches the visitor. */
  destroy(): void
}

export interface AmendedOptions {
  readonly page: PageAmendment
  readonly client: Client
  readonly stats: ProxyStats
  /** Called when pieces may come again. */
  readonly resume: () => void
}

/** Of pieces that wait for the decoder. */
const maxWaitingBytes = 65_536

/** Capture may not hurt the page: once it has thrown it is not asked again, and nothing follows. */
const guarded = (
  page: PageAmendment,
  stats: ProxyStats,
): Pick<PageAmendment, 'passed' | 'tail' | 'leave'> => {
  let failed = false
  const guard = <T>(call: () => T): T | null => {
    if (failed) return null
    try {
      return call()
    } catch {
      failed = true
      stats.captureThrew += 1
      return null
    }
  }
  return {
    passed: (bytes) => void guard(() => page.passed(bytes)),
    tail: () => guard(() => page.tail()),
    leave: (reason) => void guard(() => page.leave(reason)),
  }
}

/** Without a content coding there is nothing to turn off, and nothing that could fail. */
const amendPlain = ({ page, client, stats }: AmendedOptions): AmendedPage => {
  const { passed, tail } = guarded(page, stats)
  return {
    write: (piece) => {
      passed(piece)
      return client.write(piece)
    },
    end: () => client.end(tail()),
    destroy: () => {},
  }
}

const amendCoded = (options: AmendedOptions, coding: Coding): AmendedPage => {
  const { client, resume, stats } = options
  const page = guarded(options.page, stats)
  const waiting: Buffer[] = []
  let waitingBytes = 0
  let busy = false
  let blocked = false
  let ending = false
  let closed = false
  let cutShort = false
  const encoder = createEncoder(coding)
  stats.recoding += 1

  const close = (): void => {
    if (closed) return
    closed = true
    decoder.destroy()
    encoder.destroy()
    stats.recoding -= 1
  }

  const decoder = createDecoder(coding, {
    give: (bytes) => {
      page.passed(bytes)
      if (!encoder.write(bytes)) decoder.pause()
    },
    ended: (broken) => {
      if (closed) return
      // Then the visitor has the page as far as it could be read, and sees that more was to come.
      cutShort = broken
      if (broken) page.leave('bad_encoding')
      const tail = broken ? null : page.tail()
      if (tail === null) encoder.end()
      else encoder.end(tail)
    },
  })

  const cut = (): void => {
    stats.cutShort += 1
    client.cut(false, true)
  }

  encoder.on('drain', () => decoder.resume())
  encoder.on('data', (bytes: Buffer) => {
    if (!client.write(bytes)) encoder.pause()
  })
  encoder.on('end', () => {
    if (closed) return
    close()
    if (cutShort) cut()
    else client.end(null)
  })
  // No input makes an encoder fail; the memory for it may.
  encoder.on('error', () => {
    if (closed) return
    close()
    cut()
  })
  client.onDrain(() => {
    if (!closed) encoder.resume()
  })

  const pump = (): void => {
    if (busy || closed) return
    const piece = waiting.shift()
    if (piece === undefined) {
      if (ending) decoder.end()
      else encoder.flush()
      return
    }
    waitingBytes -= piece.length
    busy = true
    decoder.write(piece, () => {
      busy = false
      if (blocked && waitingBytes <= maxWaitingBytes) {
        blocked = false
        resume()
      }
      pump()
    })
  }

  return {
    write: (piece) => {
      if (closed) return true
      waiting.push(piece)
      waitingBytes += piece.length
      pump()
      blocked = waitingBytes > maxWaitingBytes
      return !blocked
    },
    end: () => {
      ending = true
      pump()
    },
    destroy: close,
  }
}

export const amendPage = (options: AmendedOptions): AmendedPage =>
  options.page.coding === null ? amendPlain(options) : amendCoded(options, options.page.coding)
