import type { EventId } from '../../event/brand.ts'
import type { CapturedEvent } from '../../event/event.ts'
import type { Amendment, PageAmendment, ResponseHead } from '../capture.ts'
import { headerValues } from '../headers.ts'
import type { Candidate } from '../match.ts'
import { isNavigation } from '../qualify.ts'
import { charsetOf } from '../reading.ts'
import type { Action, SiteTraffic } from '../rules.ts'
import { readCaching } from '../shared-caches.ts'
import type { Visit } from '../visit.ts'
import { mayAmend, untrue, type HeadReason } from './answer.ts'
import { chooseWay, readPolicies } from './csp.ts'
import { watchDocument } from './document.ts'
import { entryOf } from './entry.ts'
import { scriptOf } from './script.ts'
import { idsBeforePage, serverTiming } from './timing.ts'
import { encodeWide } from './wide.ts'

/** What a site wishes its pages to be told. */
export interface DataLayerWish {
  readonly enabled: boolean
  readonly variableName: string
  readonly externalDataLayerName: string | null
  /** Event types to the names pushed. */
  readonly eventMapping: Readonly<Record<string, string>>
  readonly serverTiming: boolean
}

/** What became of a page that was to be told: counted, for the one who wonders why a pixel got no id. */
export type DataLayerResult =
  | 'pushed'
  | HeadReason
  | 'policy'
  | 'fragment'
  | 'charset'
  | 'open_markup'
  | 'late'
  | 'incomplete'
  | 'busy'
  | 'bad_encoding'

/** What one answer is told, from its head to its last byte. */
export interface DataLayer {
  readonly amendment: Amendment
  /** The page is to carry the ids: its last byte waits for them. */
  readonly pushes: boolean
  /** The id that the head has told already; the event must have it. */
  idOf(action: Action): EventId | undefined
  /** The page has been read: these are its events. */
  tell(events: readonly CapturedEvent[]): void
}

export interface DataLayerOptions {
  readonly wish: DataLayerWish
  readonly site: SiteTraffic
  readonly visit: Visit
  readonly firing: readonly Candidate[]
  readonly answer: ResponseHead
  readonly count: (result: DataLayerResult) => void
}

/** `null`: nothing is told. Where a script was wished for, the reason is counted. */
export const openDataLayer = (options: DataLayerOptions): DataLayer | null => {
  const { wish, site, visit, firing, answer } = options
  const ids: ReadonlyMap<Action, EventId> =
    wish.serverTiming && readCaching(answer.rawHeaders, visit.at).keptBy === null
      ? idsBeforePage(firing, site, visit)
      : new Map()
  const timing = ids.size === 0 ? [] : ['Server-Timing', serverTiming(ids, wish.eventMapping)]
  const push = wish.enabled && isNavigation(visit.rawHeaders) ? openPush(options) : null
  if (push === null && timing.length === 0) return null
  return {
    amendment: push === null ? { fields: timing } : { fields: [...timing, ...push.fields], page: push.page },
    pushes: push !== null,
    idOf: (action) => ids.get(action),
    tell: push?.tell ?? (() => {}),
  }
}

interface Push {
  readonly fields: readonly string[]
  readonly page: PageAmendment
  readonly tell: DataLayer['tell']
}

/** `null`, and counted: the head alone says that this page is left as it is. */
const openPush = ({ wish, visit, answer, count }: DataLayerOptions): Push | null => {
  const address = visit.fullUrl === null ? null : URL.parse(visit.fullUrl)
  if (address === null) return null
  const allowed = mayAmend(answer, visit.at)
  if (allowed.reason !== null) {
    count(allowed.reason)
    return null
  }
  const policies = (name: string) => readPolicies(headerValues(answer.rawHeaders, name))
  const enforced = policies('content-security-policy')
  const watched = policies('content-security-policy-report-only')
  if (chooseWay(enforced, watched, address.origin) === null) {
    count('policy')
    return null
  }

  const document = watchDocument(charsetOf(answer))
  let events: readonly CapturedEvent[] | null = null
  const variables = [wish.variableName, wish.externalDataLayerName].filter((name) => name !== null)

  const write = (): Uint8Array | DataLayerResult => {
    const { document: isDocument, charset, closed, policies: own } = document.seen()
    if (!isDocument) return 'fragment'
    if (charset === null) return 'charset'
    if (!closed) return 'open_markup'
    if (events === null) return 'late'
    // Nothing fired after all: the page lacked what its rule requires.
    if (events.length === 0) return 'incomplete'
    const way = chooseWay([...enforced, ...readPolicies(own)], watched, address.origin)
    if (way === null) return 'policy'
    const entries = events.map((event) => entryOf(event, wish.eventMapping))
    const script = scriptOf({ entries, variables: [...new Set(variables)], host: address.host }, way)
    return charset === 'ascii' ? Buffer.from(script, 'latin1') : encodeWide(script, charset)
  }

  return {
    fields: allowed.fields,
    page: {
      without: untrue,
      coding: allowed.coding,
      passed: document.push,
      tail: () => {
        const written = write()
        if (typeof written !== 'string') {
          count('pushed')
          return written
        }
        count(written)
        return null
      },
      leave: count,
    },
    tell: (read) => {
      events = read
    },
  }
}
