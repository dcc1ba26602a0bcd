import type { Clock } from '../clock.ts'
import type { BuildContext, DeliverableEvent, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { Integration } from '../sites/configure.ts'
import { attempt } from './attempt.ts'
import type { Credentials } from './credentials.ts'
import type { Sent, Transport } from './http.ts'
import { presentableRequest } from './journal.ts'

/** A single attempt, made while somebody waits for it, with everything of it fit to be shown. */

export interface OneAttempt {
  readonly outcome: Outcome | null
  /** Secrets and identifiers masked; `null` where none was made. */
  readonly request: HttpRequest | null
  /** What the platform answered to it, masked in the same way. */
  readonly response: { readonly status: number; readonly body: string } | null
  readonly durationMs: number | null
  readonly httpStatus: number | null
  /** Hides in other words of the platform what is hidden in the request. */
  readonly hide: (text: string) => string
}

export interface OneAttemptOptions {
  readonly transport: Transport
  readonly credentials: Credentials
  readonly clock: Clock
}

export const contextOf = (
  { site, id, endpoint, defaultCountry }: Integration,
  now: number,
): BuildContext => ({
  site,
  integration: id,
  now,
  attempt: 1,
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(defaultCountry === undefined ? {} : { defaultCountry }),
})

export const attemptOnce = async (
  integration: Integration,
  one: DeliverableEvent,
  { transport, credentials, clock }: OneAttemptOptions,
): Promise<OneAttempt> => {
  let last: Sent | null = null
  const listening: Transport = {
    ...transport,
    send: async (request, options) => {
      last = await transport.send(request, options)
      return last
    },
  }
  const made = await attempt(integration, [one], {
    transport: listening,
    credentials,
    context: contextOf(integration, clock.now()),
    signal: new AbortController().signal,
  })
  const hidden =
    made.credential === null ? integration.secrets : [...integration.secrets, made.credential.accessToken]
  const hide = (text: string): string =>
    presentableRequest({ method: 'POST', url: '', headers: {}, body: text }, [one], hidden).body
  const answered = last as Sent | null
  return {
    outcome: made.outcomes[0] ?? null,
    request: made.request === null ? null : presentableRequest(made.request, [one], hidden),
    response:
      made.request !== null && answered?.kind === 'answered'
        ? { status: answered.response.status, body: hide(answered.response.body) }
        : null,
    durationMs: made.durationMs,
    httpStatus: made.httpStatus,
    hide,
  }
}
