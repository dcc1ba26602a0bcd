import type { BuildContext, HttpRequest, HttpResponse } from './destination.ts'
import type { Answer, Outcome } from './outcome.ts'

/** For platforms whose first answer means no more than that they will look at it: how they are asked what became of it. */
export interface LateVerdict<S> {
  /** The platform's name for the request that this outcome came from; `null`: there is nothing to ask. */
  ticketOf(outcome: Outcome, settings: S): string | null
  /** Milliseconds after the request: when it is asked about, again and again. After the last it is given up. */
  readonly askAfterMs: readonly number[]
  build(ticket: string, settings: S, context: BuildContext): HttpRequest
  /** `count`: deliveries in the request. Never throws, whatever the body holds. */
  read(response: HttpResponse, count: number): Processing
}

export type Processing =
  /** Not done yet, or no usable answer: ask again. */
  | ({ readonly kind: 'undecided' } & Answer)
  | ({ readonly kind: 'processed' } & Answer)
  | ({
      readonly kind: 'refused'
      /** How many of them, at most `count`; the platform does not say which. */
      readonly refused: number
      /** What the refused are then. */
      readonly status: 'failed' | 'consent_denied'
    } & Answer)
