import type { z } from 'zod'
import type { ConsentCategory } from '../event/consent.ts'
import type { ClickIdName } from '../event/click-ids.ts'
import type { ConversionEvent, UserData, UserDataField } from '../event/event.ts'
import type { Hashed } from '../event/hashed.ts'
import type { EventType, StandardName } from '../event/names.ts'
import type { Check, Validation } from './check.ts'
import type { LateVerdict } from './late-verdict.ts'
import type { FlaggedForm } from './flagged.ts'
import type { Outcome, Refusal } from './outcome.ts'

/** An HTTP request as a plain value: what a destination builds and what `explain` prints. */
export interface HttpRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'GET'
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An answer as a plain value. Header names are lower-case; the body is cut at the transport's limit. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A person in one platform's form. `keys` may lie on the disk: hashes, and ids that are nobody's name. `plain` holds what
 * the platform wants in the clear; the intake seals it before it is stored, or leaves it out where there is no key.
 */
export interface Identity {
  readonly keys: Readonly<Record<string, Hashed | string | readonly Hashed[]>>
  readonly plain: Readonly<Record<string, string>>
  /** What could not be used, so that nobody wonders where it went. Reasons never repeat the value. */
  readonly leftOut: readonly { readonly field: UserDataField; readonly reason: string }[]
}

export const nobody: Identity = { keys: {}, plain: {}, leftOut: [] }

/** What a destination gets to see of an event: its facts, and the person in the platform's own form. */
export interface DeliverableEvent {
  readonly event: ConversionEvent
  /** The platform's name for it, after the integration's mapping. */
  readonly name: string
  readonly identity: Identity
  /** Milliseconds since the epoch at which the delivery entered the outbox. */
  readonly acceptedAt: number
  /** The visitor refused: it goes in the destination's `flagged` form, and the person is not in it any more. */
  readonly flagged?: true
}

/** What the site adds to every use of a destination. */
export interface SiteContext {
  readonly site: string
  readonly integration: string
  /** ISO 3166-1 alpha-2, upper case; makes national phone numbers international. */
  readonly defaultCountry?: string
}

/** A match key a destination knows, for the journal's grade of an event. */
export interface MatchKey {
  readonly key: string
  /** Weight in the grade of 0 to 10. */
  readonly weight: number
  present(event: DeliverableEvent): boolean
}

export interface Limits {
  readonly eventsPerSecond: number
  readonly batchSize: number
  /** Bytes of a request body; the lane cuts batches before they grow past it. */
  readonly maxBodyBytes: number
  /** Older events are refused as `expired`. */
  readonly maxAgeMs: number
  /** From the first byte sent to the last byte of the answer. */
  readonly timeoutMs: number
}

/** An access token the engine fetched, for destinations whose settings alone do not open the door. */
export interface Credential {
  readonly accessToken: string
}

/** What the engine needs to get access tokens with a refresh token (RFC 6749 section 6). */
export interface OAuthRefresh {
  /** Its host must be one of the destination's own. */
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
  /** A token granted without one of these opens nothing. */
  readonly scopes: readonly string[]
  /** What the operator does when the refresh token is no longer taken: a sentence for the journal. */
  readonly advice: string
}

/** A limit on requests, whatever they hold, that all integrations of one account share. */
export interface Pace {
  readonly account: string
  readonly requestsPerSecond: number
}

/** How often a failing delivery is tried before it is dead, and at what pace. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly maxAttempts: number
  /** Delay ceilings before the second, third, … attempt; the last repeats. Full jitter is applied on top. */
  readonly delaysMs: readonly number[]
}

/** One platform: a small pure module. No socket, no clock, no environment, no logger. */
export interface Destination<S> {
  readonly name: string
  readonly title: string
  /** Other names users write for it. */
  readonly aliases: readonly string[]
  readonly apiVersion: { readonly value: string; readonly page: string; readonly checkedOn: string }
  /** The only description of the credentials: it validates, documents and, by `.meta({ secret: true })`, masks. */
  readonly settings: z.ZodType<S>
  /** Asked for unless the integration says otherwise. */
  readonly consent: ConsentCategory
  /** Present where the settings change what is asked for. */
  consentFor?(settings: S): ConsentCategory
  /** Present where the platform has a lawful form for events of visitors who refused. */
  readonly flagged?: FlaggedForm
  /** `null`: the platform has no such event, or it is not sent by default. */
  readonly eventNames: Readonly<Record<StandardName, string | null>>
  /** The platform's form of a custom event's name. */
  customName(type: EventType): string
  readonly matchKeys: readonly MatchKey[]
  /** The click ids this platform gives out, for `routeByClickId`; none where it knows no clicks. */
  readonly clickIds: readonly ClickIdName[]
  readonly limits: Limits
  readonly credential: 'settings' | 'oauth2-refresh'
  /** Present where `credential` is `oauth2-refresh`. */
  oauth?(settings: S): OAuthRefresh
  /** Present where the platform counts requests besides events. */
  pace?(settings: S): Pace

  /** Hosts a request may go to, apart from an `endpoint` override; `null` for webhooks, which may go to any public one. */
  readonly hosts: readonly string[] | null

  /** The person in this platform's own normal form. */
  identify(userData: UserData, settings: S, context: SiteContext): Identity
  /** Why this event can never go there; asked when it is routed and again when its delivery is claimed. */
  refuse(event: DeliverableEvent, settings: S, now: number): Refusal | null
  /** Events of one request must share this text; `''` where any may travel together. */
  batchKey(event: DeliverableEvent, settings: S): string
  /** Total: accepted events always yield a request. `endpoint` replaces the platform's origin. */
  build(events: readonly DeliverableEvent[], settings: S, context: BuildContext): HttpRequest
  /** Exactly one outcome per event, in order, whatever the body holds. Never throws. */
  read(response: HttpResponse, events: readonly DeliverableEvent[], settings: S): readonly Outcome[]
  /** Asks whether the platform knows us and leaves no event behind; absent where there is no such question. */
  readonly check?: Check<S>
  /** Where the platform can examine an event without counting it. */
  readonly validation?: Validation<S>
  /** Where the platform accepts first and judges later. */
  readonly later?: LateVerdict<S>
  /**
   * `unsent`: nothing reached the platform (`ambiguous: false`), so another try cannot repeat anything. `ambiguous`: it may
   * have been taken. `unavailable`: the platform answered, and not well.
   */
  retry(event: DeliverableEvent, failure: 'unsent' | 'unavailable' | 'ambiguous', settings: S): RetryPolicy
}

export interface BuildContext extends SiteContext {
  /** Milliseconds since the epoch of this attempt. */
  readonly now: number
  readonly endpoint?: string
  readonly credential?: Credential
  /** 1 for the first try. */
  readonly attempt: number
}

/** A destination whose settings are opaque: what the rest of the house handles. */
export type AnyDestination = Destination<unknown>

/**
 * Closes over the settings' type so that unlike destinations stand in one list. Settings handed back in must have come
 * from this destination's own schema; `sites/integration.ts` sees to that.
 */
export const defineDestination = <S>(destination: Destination<S>): AnyDestination => destination

/** The platform's name for an event type: the integration's own mapping first; `null` means it does not go there. */
export const platformName = (
  destination: AnyDestination,
  type: EventType,
  mapping: Readonly<Record<string, string>> = {},
): string | null => {
  if (Object.hasOwn(mapping, type)) return mapping[type] ?? null
  if (Object.hasOwn(destination.eventNames, type)) return destination.eventNames[type as StandardName]
  return destination.customName(type)
}
