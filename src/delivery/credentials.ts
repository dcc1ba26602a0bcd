import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Credential, HttpRequest, OAuthRefresh } from '../destinations/destination.ts'
import { addressOf } from '../destinations/endpoint.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { Integration } from '../sites/configure.ts'
import { clampWaitMs } from './backoff.ts'
import type { Sent, Transport } from './http.ts'
import { readTokenAnswer, type TokenAnswer } from './token-answer.ts'

/**
 * Access tokens for destinations whose settings alone do not open the door. They live in memory and nowhere else; integrations
 * of one client and refresh token share one, and one fetch brings it to all who wait.
 *
 *   fetched ───────────── usable ─────────────┬── usable, renewed behind the scenes ──┬─ over: whoever asks waits
 *                                     life − 300 s (or 80 %)                       life − 10 s (or 95 %)
 */
export interface Credentials {
  /** Waits only where no usable token is at hand. Never rejects. */
  get(integration: Integration, signal: AbortSignal): Promise<Granted>
  /** After the platform refused `refused`: a token that is not that one. Who comes second gets what the first one brought. */
  renew(integration: Integration, refused: Credential, signal: AbortSignal): Promise<Granted>
  /** How long the token at hand may be used, in milliseconds since the epoch; `null`: there is none, or none is needed. */
  usableUntil(integration: Integration): number | null
  /** Gives up what is being fetched. */
  close(): void
}

/** A token, or what becomes of the deliveries that wait for one. */
export type Granted = { readonly credential: Credential } | { readonly outcome: Outcome }

interface Token {
  readonly accessToken: string
  readonly scopes: readonly string[] | null
  readonly renewAt: number
  readonly endsAt: number
}

/** One client and refresh token. */
interface Entry {
  token: Token | null
  failure: { readonly outcome: Outcome; readonly until: number } | null
  fetching: Promise<void> | null
}

const fetchTimeoutMs = 10_000
const renewEarlyMs = 300_000
const spareMs = 10_000
/** A thousand deliveries that fail for want of a token ask the endpoint once, not a thousand times. */
const failureLastsMs = 1_000

const stopped: Granted = { outcome: { kind: 'not_attempted', reason: 'the gateway was stopping' } }

/** Resolves with the promise or with the signal, whichever is first; the promise goes on for others. */
const unlessAborted = (promise: Promise<void>, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return Promise.resolve()
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  const abort = (): void => resolve()
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort))
}

const requestOf = (url: string, { clientId, clientSecret, refreshToken }: OAuthRefresh): HttpRequest => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
  body: new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
    client_secret: clientSecret,
  }).toString(),
})

const outcomeOf = ({ permanent, reason }: Extract<Sent, { kind: 'failed' }>): Outcome =>
  permanent
    ? { kind: 'unauthorized', reason: `no access token: ${reason}`, code: 'configuration' }
    : { kind: 'unavailable', ambiguous: false, reason: `no access token: ${reason}` }

const failureMs = (outcome: Outcome): number =>
  'retryAfterMs' in outcome && outcome.retryAfterMs !== undefined
    ? clampWaitMs(outcome.retryAfterMs)
    : failureLastsMs

const missingScope = ({ scopes }: Token, wanted: OAuthRefresh): string | undefined =>
  scopes === null ? undefined : wanted.scopes.find((scope) => !scopes.includes(scope))

export const createCredentials = ({
  transport,
  clock,
}: {
  readonly transport: Transport
  readonly clock: Clock
}): Credentials => {
  const entries = new Map<string, Entry>()
  const closing = new AbortController()

  const tokenUrlOf = ({ endpoint }: Integration, { tokenUrl }: OAuthRefresh): string => {
    const { origin, pathname } = new URL(tokenUrl)
    return addressOf(origin, endpoint, pathname)
  }

  /** As a digest, so that no map of the process lists secrets. A mended secret is another entry and asks at once. */
  const entryOf = (url: string, { clientId, clientSecret, refreshToken }: OAuthRefresh): Entry => {
    const key = createHash('sha256')
      .update(JSON.stringify([url, clientId, clientSecret, refreshToken]))
      .digest('hex')
    const known = entries.get(key)
    if (known !== undefined) return known
    const entry: Entry = { token: null, failure: null, fetching: null }
    entries.set(key, entry)
    return entry
  }

  const keep = (entry: Entry, answer: TokenAnswer, askedAt: number): void => {
    if (answer.kind === 'refused') {
      entry.failure = { outcome: answer.outcome, until: clock.now() + failureMs(answer.outcome) }
      return
    }
    const { accessToken, scopes, lifeMs } = answer
    entry.failure = null
    entry.token = {
      accessToken,
      scopes,
      renewAt: askedAt + lifeMs - Math.min(renewEarlyMs, lifeMs * 0.2),
      endsAt: askedAt + lifeMs - Math.min(spareMs, lifeMs * 0.05),
    }
  }

  const fetchToken = async (
    entry: Entry,
    url: string,
    oauth: OAuthRefresh,
    hosts: readonly string[] | null,
  ): Promise<void> => {
    const askedAt = clock.now()
    const sent = await transport.send(requestOf(url, oauth), {
      timeoutMs: fetchTimeoutMs,
      hosts,
      signal: closing.signal,
    })
    const answer: TokenAnswer =
      sent.kind === 'failed'
        ? { kind: 'refused', outcome: outcomeOf(sent) }
        : readTokenAnswer(sent.response, oauth)
    keep(entry, answer, askedAt)
  }

  const get: Credentials['get'] = async (integration, signal) => {
    const { destination, settings, endpoint } = integration
    const oauth = destination.oauth?.(settings)
    if (oauth === undefined)
      return {
        outcome: {
          kind: 'unauthorized',
          reason: `${destination.title} does not say how its access tokens are got`,
          code: 'internal',
        },
      }
    const url = tokenUrlOf(integration, oauth)
    const entry = entryOf(url, oauth)
    const fetchOnce = (): Promise<void> => {
      if (entry.failure !== null && clock.now() < entry.failure.until) return Promise.resolve()
      entry.fetching ??= fetchToken(
        entry,
        url,
        oauth,
        endpoint === undefined ? destination.hosts : null,
      ).finally(() => {
        entry.fetching = null
      })
      return entry.fetching
    }

    const usable = (): Token | null =>
      entry.token !== null && clock.now() < entry.token.endsAt ? entry.token : null
    const atHand = usable()
    if (atHand === null) await unlessAborted(fetchOnce(), signal)
    else if (clock.now() >= atHand.renewAt) void fetchOnce()

    const token = usable()
    if (token === null) {
      if (signal.aborted || closing.signal.aborted) return stopped
      return {
        outcome: entry.failure?.outcome ?? {
          kind: 'unavailable',
          ambiguous: false,
          reason: 'the access token ended before it could be used',
        },
      }
    }
    const missing = missingScope(token, oauth)
    return missing === undefined
      ? { credential: { accessToken: token.accessToken } }
      : {
          outcome: {
            kind: 'unauthorized',
            reason: `the refresh token was granted without the scope ${missing}; ${oauth.advice}`,
            code: 'invalid_scope',
          },
        }
  }

  const renew: Credentials['renew'] = (integration, refused, signal) => {
    const oauth = integration.destination.oauth?.(integration.settings)
    if (oauth !== undefined) {
      const entry = entryOf(tokenUrlOf(integration, oauth), oauth)
      if (entry.token?.accessToken === refused.accessToken) entry.token = null
    }
    return get(integration, signal)
  }

  const usableUntil: Credentials['usableUntil'] = (integration) => {
    const oauth = integration.destination.oauth?.(integration.settings)
    if (oauth === undefined) return null
    const { token } = entryOf(tokenUrlOf(integration, oauth), oauth)
    return token !== null && clock.now() < token.endsAt ? token.endsAt : null
  }

  return { get, renew, usableUntil, close: () => closing.abort() }
}
