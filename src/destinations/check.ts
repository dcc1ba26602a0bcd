import type { EventType } from '../event/names.ts'
import type { BuildContext, DeliverableEvent, HttpRequest, HttpResponse } from './destination.ts'
import type { Answer, Outcome } from './outcome.ts'

/**
 * What can be asked of a platform without leaving an event behind: does it know us, and would it take this event? An answer
 * is only `ok` where the platform's papers say that it proves something.
 */

export type CheckVerdict =
  /** The platform knows the credentials and what they are for. */
  | 'ok'
  | 'credentials_refused'
  /** The credentials may be good; the pixel, account or action is none that they reach. */
  | 'not_found'
  /** Nothing was proved; the reason says what speaks for it and what against. */
  | 'cannot_tell'

export interface Finding extends Answer {
  readonly verdict: CheckVerdict
}

/** One request of a check. */
export interface Question<S> {
  /** What it finds out, such as `the access token`. */
  readonly asks: string
  build(sample: DeliverableEvent, settings: S, context: BuildContext): HttpRequest
  /** Never throws, whatever the body holds. `now`: milliseconds since the epoch. */
  read(response: HttpResponse, sample: DeliverableEvent, settings: S, now: number): Finding
}

export interface Check<S> {
  /** Of the made-up event, for platforms that want to see one: our type, and the platform's name for it. */
  readonly sample: { readonly type: EventType; readonly name: string }
  /** Asked in this order, until one is not answered with `ok`. */
  readonly questions: readonly Question<S>[]
}

/** The platform's own examination of an event, which counts nothing. */
export interface Validation<S> {
  /** What it does not prove: a sentence for whoever reads the result. Absent where it proves all that a delivery would. */
  readonly caveat?: string
  build(events: readonly DeliverableEvent[], settings: S, context: BuildContext): HttpRequest
  /** As `Destination.read`; `delivered` means that nothing was found wrong. */
  read(response: HttpResponse, events: readonly DeliverableEvent[], settings: S): readonly Outcome[]
}

/** What an outcome of the same request would say of the connection. `notFound` are codes for a target nobody knows. */
export const findingOf = (outcome: Outcome | undefined, notFound: (outcome: Outcome) => boolean): Finding => {
  if (outcome === undefined) return { verdict: 'cannot_tell', reason: 'the answer could not be read' }
  const { kind, reason, code, trace } = outcome
  const answer: Answer = {
    reason,
    ...(code === undefined ? {} : { code }),
    ...(trace === undefined ? {} : { trace }),
  }
  switch (kind) {
    case 'delivered':
      return { verdict: 'ok', ...answer }
    case 'unauthorized':
      // It never left: the address is none that may be reached.
      if (code === 'configuration') return { verdict: 'cannot_tell', ...answer }
      return { verdict: notFound(outcome) ? 'not_found' : 'credentials_refused', ...answer }
    case 'rejected':
    case 'batch_rejected':
      return notFound(outcome)
        ? { verdict: 'not_found', ...answer }
        : { verdict: 'cannot_tell', ...answer, reason: `the made-up event was refused: ${reason}` }
    case 'throttled':
    case 'unavailable':
    case 'not_attempted':
      return { verdict: 'cannot_tell', ...answer }
  }
}

/** A check that is the platform's validation of a made-up event. */
export const checkByValidation = <S>(
  sample: Check<S>['sample'],
  validation: Validation<S>,
  notFound: (outcome: Outcome, response: HttpResponse) => boolean,
): Check<S> => ({
  sample,
  questions: [
    {
      asks: 'whether a made-up event would be taken',
      build: (one, settings, context) => validation.build([one], settings, context),
      read: (response, one, settings) =>
        findingOf(validation.read(response, [one], settings)[0], (outcome) => notFound(outcome, response)),
    },
  ],
})
