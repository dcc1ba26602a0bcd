import type { ConsentCategory } from '../event/consent.ts'
import type { ConversionEvent, Visitor } from '../event/event.ts'
import { withoutClickIds } from '../event/page-url.ts'

/**
 * How a platform takes an event of a visitor who refused: marked as such, without what points at a person. It is for
 * refusals alone: where nobody was asked, nobody has chosen it either.
 */
export interface FlaggedForm {
  /** The platform's name for it, for the journal: `Limited Data Use`. */
  readonly title: string
  /** What must have been granted all the same; without it the platform has no form either. */
  readonly needs?: ConsentCategory
  /** ISO 3166-1 alpha-2: whose law the form belongs to. Nobody who is known to be elsewhere is sent under it. */
  readonly country?: string
  /** What of the visitor goes along, because the platform takes no event without it. All the rest stays behind. */
  keep(event: ConversionEvent): Partial<Visitor>
}

/** Limited use as laws of US states know it: the platform is told to use the event for nothing but counting. */
export const limitedUse = {
  title: 'Limited Data Use',
  country: 'US',
  // The platforms take no event without them, and find out by the address whether the law of a state holds.
  keep: ({ visitor: { ip, userAgent } }) => ({
    ...(ip === undefined ? {} : { ip }),
    ...(userAgent === undefined ? {} : { userAgent }),
  }),
} as const satisfies FlaggedForm

/**
 * The event as it may leave: of the visitor what the form keeps, of the addresses what names no click, and nothing under
 * names of a sender's own, which may be anybody's.
 */
export const strippedFor = (form: FlaggedForm, event: ConversionEvent): ConversionEvent => {
  const { url, referrer, ...page } = event.page
  const { properties: _, ...custom } = event.custom
  return {
    ...event,
    custom,
    page: {
      ...page,
      ...(url === undefined ? {} : { url: withoutClickIds(url) }),
      ...(referrer === undefined ? {} : { referrer: withoutClickIds(referrer) }),
    },
    visitor: { clickIds: {}, browserIds: {}, ...form.keep(event) },
  }
}
