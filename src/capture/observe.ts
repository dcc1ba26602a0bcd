import type { CapturedEvent } from '../event/event.ts'
import { canonicalName, laneOf } from '../event/names.ts'
import { assemble, missingFields } from './assemble.ts'
import type { Capture, Observation, OnEvent, RequestHead, ResponseHead, SkipReason } from './capture.ts'
import type { Trust } from './client-address.ts'
import {
  openDataLayer,
  type DataLayer,
  type DataLayerResult,
  type DataLayerWish,
} from './data-layer/layer.ts'
import { headerValue, joinFields } from './headers.ts'
import type { Keeper, Keeping } from './identity/keeper.ts'
import type { Candidate, CompiledSite, Matcher } from './match.ts'
import { readMatchRequest } from './match-request.ts'
import { createCollector, type Collector } from './page/collect.ts'
import { isSpeculative, qualifyRequest, qualifyResponse } from './qualify.ts'
import { needsPage, readingsOf, type PageReader } from './reading.ts'
import { compileScreen, type Screen } from './screen.ts'
import { readVisit, type Visit } from './visit.ts'

/** Joins request, answer and page to events: what a host of capture talks to. */

export interface CaptureOptions {
  /** The rules in force now; a request keeps those it began with. */
  readonly matcher: () => Matcher
  readonly trust: Trust
  readonly reader: PageReader
  readonly onEvent: OnEvent
  /** Absent: the host only looks on, and nothing can be added to its answers. */
  readonly keeper?: Keeper
  readonly onSkip: (skip: {
    readonly site: string
    readonly rule: string
    readonly reason: SkipReason
  }) => void
  /** What the pages of a site are told of their events; `null`, and where it is absent: nothing. */
  readonly dataLayerOf?: (site: string) => DataLayerWish | null
  readonly onDataLayer?: (told: { readonly site: string; readonly result: DataLayerResult }) => void
  /** A fault of ours: counted and logged; the visitor never sees it. */
  readonly onFault: (error: unknown) => void
}

export interface RunningCapture extends Capture {
  /**
   * Resolves when every page that has passed is read and its events are handed to `onEvent`. The pages of batch events, and
   * those whose visitor was not kept waiting any longer, are read after they have passed: a process that ends waits for this.
   */
  idle(): Promise<void>
}

/** A second look at such a page is a second view; a second look at an order is the same order. */
const mayFireAgain = ({ rule: { rule } }: Candidate): boolean =>
  rule.actions.every(({ eventType }) => laneOf(canonicalName(eventType)) === 'batch')

const isRealtime = ({ rule: { rule } }: Candidate): boolean =>
  rule.actions.some(({ eventType }) => laneOf(canonicalName(eventType)) === 'realtime')

export const createCapture = ({
  matcher,
  trust,
  reader,
  onEvent,
  keeper,
  onSkip,
  dataLayerOf = () => null,
  onDataLayer = () => {},
  onFault,
}: CaptureOptions): RunningCapture => {
  const beingRead = new Set<Promise<unknown>>()
  /** One per site and set of rules: it remembers user agents. */
  const screens = new WeakMap<CompiledSite, Screen>()
  const screenOf = (site: CompiledSite): Screen => {
    const known = screens.get(site) ?? compileScreen(site.site, trust)
    screens.set(site, known)
    return known
  }

  /** Cookies are worth no event. */
  const safely = <T, U>(keep: () => T, otherwise: U): T | U => {
    try {
      return keep()
    } catch (error) {
      onFault(error)
      return otherwise
    }
  }
  const answered = (keeping: Keeping, head: ResponseHead): readonly string[] =>
    safely(() => keeping.answered(head), [])

  const skip = (site: CompiledSite, { rule }: Candidate, reason: SkipReason): void =>
    onSkip({ site: site.site.id, rule: rule.rule.id, reason })

  const qualified = (
    site: CompiledSite,
    head: RequestHead,
    candidates: readonly Candidate[],
  ): readonly Candidate[] =>
    candidates.filter((candidate) => {
      const reason = qualifyRequest(head, candidate.rule.rule, screenOf(site))
      if (reason !== null) skip(site, candidate, reason)
      return reason === null
    })

  const observe = (
    site: CompiledSite,
    visit: Visit,
    candidates: readonly Candidate[],
    keeping: Keeping | null,
  ): Observation => {
    let firing: readonly Candidate[] = candidates
    let answer: ResponseHead | null = null
    let collector: Collector | null = null
    let layer: DataLayer | null = null

    const read = async (head: ResponseHead): Promise<readonly CapturedEvent[]> => {
      const collected = (await collector?.finish()) ?? null
      const readings = await readingsOf(reader, { site: site.site, visit, answer: head, collected, firing })
      return readings.flatMap((reading) =>
        reading.rule.actions.flatMap((action) => {
          const captured = assemble(action, reading, layer?.idOf(action))
          if (missingFields(action, captured).length === 0) return [captured]
          onSkip({ site: site.site.id, rule: reading.rule.id, reason: 'incomplete' })
          return []
        }),
      )
    }

    const fire = async (head: ResponseHead): Promise<void> => {
      const reading = read(head)
      beingRead.add(reading)
      let events: readonly CapturedEvent[]
      try {
        events = await reading
      } finally {
        beingRead.delete(reading)
      }
      layer?.tell(events)
      await Promise.all(events.map(onEvent))
    }

    const openLayer = (head: ResponseHead): DataLayer | null => {
      const id = site.site.id
      const wish = dataLayerOf(id)
      if (wish === null || firing.length === 0 || head.status === 304) return null
      const count = (result: DataLayerResult): void => onDataLayer({ site: id, result })
      try {
        return openDataLayer({ wish, site: site.site, visit, firing, answer: head, count })
      } catch (error) {
        // The page goes without; its event does not.
        onFault(error)
        return null
      }
    }

    return {
      responseHead: (head) => {
        answer = head
        firing = candidates.filter((candidate) => {
          const reason = qualifyResponse(head, {
            statuses: candidate.rule.statuses ?? undefined,
            page: candidate.rule.rule.navigation ?? true,
            notModified: mayFireAgain(candidate),
          })
          if (reason !== null) skip(site, candidate, reason)
          return reason === null
        })
        if (firing.some(({ rule }) => needsPage(rule.rule)) && head.status !== 304)
          collector = createCollector({
            contentEncoding: headerValue(head.rawHeaders, 'content-encoding') ?? null,
          })
        layer = openLayer(head)
        const kept = keeping === null ? [] : answered(keeping, head)
        const told = layer?.amendment ?? null
        if (kept.length === 0) return told
        return told === null ? { fields: kept } : { ...told, fields: joinFields(kept, told.fields) }
      },
      chunk: (bytes) => collector?.push(bytes),
      end: () => {
        if (answer === null || firing.length === 0) return null
        const committed = fire(answer).catch(onFault)
        // An id that a page is told is that of a committed event, whatever its lane.
        return layer?.pushes === true || firing.some(isRealtime) ? committed : null
      },
      abort: () => {
        collector?.abort()
        for (const candidate of firing) skip(site, candidate, 'aborted')
        firing = []
      },
    }
  }

  /** Cookies are a matter of the head alone. */
  const observeHead = (keeping: Keeping): Observation => ({
    responseHead: (head) => ({ fields: answered(keeping, head), over: true }),
    chunk: () => {},
    end: () => null,
    abort: () => {},
  })

  const refusal: Observation = {
    refused: true,
    responseHead: () => null,
    chunk: () => {},
    end: () => null,
    abort: () => {},
  }

  return {
    begin: (head) => {
      const request = readMatchRequest(head)
      const site = request === null ? null : matcher().site(request.host)
      if (request === null || site === null) return null
      // HEAD asks for a page without opening it: no rule is about it, and the one about the page says so.
      const candidates = site.candidates(request.method === 'HEAD' ? { ...request, method: 'GET' } : request)
      const mayKeep = keeper?.mayKeep(site.site, head) === true
      if (candidates.length === 0 && !mayKeep) return null
      const firing = candidates.length === 0 ? candidates : qualified(site, head, candidates)
      // An error keeps a browser from using what it loaded ahead (github.com/WICG/nav-speculation), so that it asks again.
      if (candidates.some(({ rule: { rule } }) => rule.prefetch === false) && isSpeculative(head.rawHeaders))
        return refusal
      if (firing.length === 0 && !mayKeep) return null
      const visit = readVisit(head, site.site, trust)
      const keeping = mayKeep
        ? safely(() => keeper.begin(site.site, head, visit, screenOf(site)), null)
        : null
      if (firing.length > 0) return observe(site, visit, firing, keeping)
      return keeping === null ? null : observeHead(keeping)
    },
    idle: async () => {
      while (beingRead.size > 0) await Promise.allSettled(beingRead)
    },
  }
}
