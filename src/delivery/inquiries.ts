import type { Clock } from '../clock.ts'
import type { AnyDestination } from '../destinations/destination.ts'
import type { LateVerdict, Processing } from '../destinations/late-verdict.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { Integration } from '../sites/configure.ts'
import type { Inquiry, InquiryStore, LateSettlement, NewInquiry } from '../store/inquiries.ts'
import type { JournalLine } from '../store/store.ts'
import type { Credentials } from './credentials.ts'
import type { Transport } from './http.ts'
import { contextOf } from './one-attempt.ts'
import { presentableRequest } from './journal.ts'
import type { RateLimiter } from './rate-limit.ts'
import type { LaneNews } from './recording.ts'

/**
 * Asks platforms that accept first and judge later what became of it. Apart from the lanes: a lane only notes what is to be
 * asked, and asking waits for its turn in the account's pace behind everything that is to be sent.
 */

export interface InquirerOptions {
  readonly integration: Integration
  readonly later: LateVerdict<unknown>
  readonly inquiries: InquiryStore
  readonly transport: Transport
  readonly credentials: Credentials
  readonly limiter: RateLimiter
  readonly clock: Clock
  readonly report: (news: LaneNews) => void
}

export interface Inquirer {
  /** Asks no more; what is on the wire is given up, and asked again by whoever is next. */
  stop(): Promise<void>
}

/** How often the store is looked into; a verdict takes half an hour at least. */
const lookMs = 60_000
/** Two a second leave the account's pace to what is to be sent. */
const betweenMs = 500
const atATime = 10
/** Longer than it takes to ask for all that was taken. */
const takenForMs = 10 * 60_000
/** After a time that has passed while nobody was there to ask. */
const soonMs = 60_000

/** One per request: what its deliveries will have to be asked about. */
export const inquiriesOf = (
  { key, destination, settings }: Pick<Integration, 'key' | 'destination' | 'settings'>,
  settled: readonly { readonly deliveryId: number; readonly outcome: Outcome }[],
  now: number,
): readonly NewInquiry[] => {
  const { later }: AnyDestination = destination
  const [firstMs] = later?.askAfterMs ?? []
  if (later === undefined || firstMs === undefined) return []
  const byTicket = Map.groupBy(settled, ({ outcome }) => later.ticketOf(outcome, settings))
  return [...byTicket].flatMap(([ticket, group]) =>
    ticket === null
      ? []
      : [
          {
            integration: key,
            ticket,
            deliveries: group.map(({ deliveryId }) => deliveryId),
            notedAt: now,
            askAt: now + firstMs,
          },
        ],
  )
}

interface Asked {
  readonly processing: Processing
  readonly line: Omit<JournalLine, 'outcome' | 'reason' | 'code'>
}

/** `null`: ask again. */
const settlementsOf = (
  { deliveries }: Inquiry,
  { processing, line }: Asked,
  { title, isLast }: { readonly title: string; readonly isLast: boolean },
): readonly LateSettlement[] | null => {
  const { kind, reason, code = null } = processing
  if (kind === 'undecided' && !isLast) return null
  const words = kind === 'undecided' ? `accepted; ${title} has not said what became of it: ${reason}` : reason
  const outcome = kind === 'refused' ? 'refused_later' : kind
  const status = kind === 'refused' && processing.refused >= deliveries.length ? processing.status : null
  return deliveries.map((deliveryId) => ({
    deliveryId,
    status,
    reason: words,
    line: { ...line, outcome, reason: words, code },
  }))
}

export const startInquirer = (options: InquirerOptions): Inquirer => {
  const { integration, later, inquiries, transport, credentials, limiter, clock, report } = options
  const { destination, settings, limits, secrets, endpoint } = integration
  const stopping = new AbortController()
  const { signal } = stopping

  const tell = (outcome: LaneNews['outcome'], reason: string, events: number, code?: string): void =>
    report({
      site: integration.site,
      integration: integration.id,
      lane: 'batch',
      outcome,
      reason,
      events,
      ...(code === undefined ? {} : { code }),
    })

  const ask = async ({ ticket, deliveries }: Inquiry): Promise<Asked> => {
    const line = {
      at: clock.now(),
      trace: ticket,
      httpStatus: null,
      durationMs: null,
      request: null,
      batchSize: deliveries.length,
    }
    const granted = destination.credential === 'settings' ? null : await credentials.get(integration, signal)
    if (granted !== null && 'outcome' in granted)
      return { processing: { kind: 'undecided', reason: granted.outcome.reason }, line }
    const context = contextOf(integration, clock.now())
    const credential = granted?.credential
    const request = later.build(
      ticket,
      settings,
      credential === undefined ? context : { ...context, credential },
    )
    const sent = await transport.send(request, {
      timeoutMs: limits.timeoutMs,
      hosts: endpoint === undefined ? destination.hosts : null,
      signal,
    })
    const hidden = credential === undefined ? secrets : [...secrets, credential.accessToken]
    const asked = {
      ...line,
      durationMs: sent.durationMs,
      request: JSON.stringify(presentableRequest(request, [], hidden)),
    }
    if (sent.kind === 'failed') return { processing: { kind: 'undecided', reason: sent.reason }, line: asked }
    // The next who asks finds a new one.
    if (sent.response.status === 401 && credential !== undefined)
      await credentials.renew(integration, credential, signal)
    return {
      processing: later.read(sent.response, deliveries.length),
      line: { ...asked, httpStatus: sent.response.status },
    }
  }

  const settle = async (inquiry: Inquiry, asked: Asked): Promise<void> => {
    const next = later.askAfterMs[inquiry.tries + 1]
    const settlements = settlementsOf(inquiry, asked, {
      title: destination.title,
      isLast: next === undefined,
    })
    if (settlements === null) {
      const askAt = Math.max(inquiry.notedAt + (next ?? 0), clock.now() + soonMs)
      return inquiries.postponeInquiry(inquiry.inquiryId, askAt)
    }
    await inquiries.closeInquiry(inquiry.inquiryId, settlements)
    const { processing } = asked
    if (processing.kind === 'refused')
      tell('refused_later', processing.reason, processing.refused, processing.code)
  }

  /** Answers whether there may be more. */
  const round = async (): Promise<boolean> => {
    const now = clock.now()
    const taken = await inquiries.takeInquiries({
      integration: integration.key,
      now,
      until: now + takenForMs,
      limit: atATime,
    })
    for (const inquiry of taken) {
      if (signal.aborted || !(await limiter.take(1, 'batch', signal))) return false
      const asked = await ask(inquiry)
      // What was given up half way says nothing of the request.
      if (signal.aborted) return false
      await settle(inquiry, asked)
      await clock.sleep(betweenMs, signal)
    }
    return taken.length === atATime
  }

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const more = await round().catch((error: unknown) => {
        tell('store_failed', error instanceof Error ? error.message : String(error), 0)
        return false
      })
      if (!more) await clock.sleep(lookMs, signal)
    }
  }
  const running = run()

  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
