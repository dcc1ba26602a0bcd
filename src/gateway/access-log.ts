import { senderAddress, type Trust } from '../capture/client-address.ts'
import type { AccessLogWish } from '../config.ts'
import { publicPageUrl, withoutClickIds } from '../event/page-url.ts'
import type { RequestDone } from '../proxy/exchange.ts'

/** Which requests leave a line, and what may stand in it. */

/**
 * Failures only: a line for each page costs more than carrying it and says where every visitor went, while a failure is
 * what somebody will look for. An origin's own 500 is told nowhere else.
 */
export const defaultAccessLog: AccessLogWish = { failures: true, share: 0, addresses: false }

export interface AccessLine {
  readonly site: string
  readonly method: string
  /** Path and query, without what names a person, opens a door or marks a click. */
  readonly path: string
  /** 0 when the visitor left before there was one; 101 for a WebSocket, told when it ends. */
  readonly status: number
  readonly durationMs: number
  readonly failure?: string
  /** Of the visitor, as for events; absent where a proxy hides it. */
  readonly address?: string
}

export type AccessWriter = (line: AccessLine) => void

/** Longer targets are cut: the patterns that look for personal data take their time on them. */
const maxTarget = 512

/** What may be written of a target. The piece at which a long one was cut goes whole: half an address is one, too. */
export const publicTarget = (target: string): string => {
  if (!target.startsWith('/')) return '/'
  const cut = target.length > maxTarget ? target.slice(0, maxTarget).replace(/[^/?&]*$/, '') : target
  const address = publicPageUrl(`http://site.invalid${cut}`)
  return address === null ? '/' : withoutClickIds(address).slice('http://site.invalid'.length)
}

/** Visitors who leave are no failure of anybody's. */
const hasFailed = ({ status, failure }: RequestDone): boolean =>
  status >= 500 || (failure !== null && failure !== 'client_left')

/** What the proxy calls for each request; `null` where no line is wanted at all. */
export const accessLogger = ({
  wish = defaultAccessLog,
  write,
  trust,
  clientIpHeaderOf,
  now,
  random,
}: {
  readonly wish?: AccessLogWish
  readonly write: AccessWriter
  readonly trust: Trust
  /** The site's own setting, so that a line names the same visitor as an event does. */
  readonly clientIpHeaderOf: (site: string) => string | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to 1, as `Math.random`. */
  readonly random: () => number
}): ((done: RequestDone) => void) | null => {
  const { failures, share, addresses } = wish
  if (!failures && share === 0) return null
  const wanted = (done: RequestDone): boolean =>
    (failures && hasFailed(done)) || (share > 0 && random() < share)
  return (done) => {
    if (!wanted(done)) return
    const { site, method, status, failure, peer, rawHeaders } = done
    const address = addresses
      ? senderAddress({ peer, rawHeaders, trust, header: clientIpHeaderOf(site) })
      : null
    write({
      site,
      method,
      path: publicTarget(done.target),
      status,
      durationMs: now() - done.startedAt,
      ...(failure === null ? {} : { failure }),
      ...(address === null ? {} : { address }),
    })
  }
}
