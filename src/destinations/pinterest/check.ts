import { checkByValidation, type Validation } from '../check.ts'
import { build } from './build.ts'
import { read } from './read.ts'
import type { PinterestSettings } from './settings.ts'

/** `test=true` of https://developers.pinterest.com/docs/api/v5/events-create (2026-11-20): examined whole, not recorded. */
export const validation: Validation<PinterestSettings> = {
  build: (events, settings, context) => build(events, { ...settings, validateOnly: true }, context),
  read: (response, events, settings) =>
    read(response, events, { ...settings, validateOnly: true }).map((outcome) =>
      outcome.kind === 'delivered'
        ? { ...outcome, reason: outcome.reason.replace(': validateOnly is on', '') }
        : outcome,
    ),
}

/** With 403 the token is good, and the ad account not its own. */
export const check = checkByValidation(
  { type: 'page_view', name: 'page_visit' },
  validation,
  (_outcome, { status }) => status === 404,
)
