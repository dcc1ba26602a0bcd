import { checkByValidation, type Validation } from '../check.ts'
import { build } from './build.ts'
import { read } from './read.ts'
import type { SnapchatSettings } from './settings.ts'

/** https://developers.snap.com/api/marketing-api/Conversions-API/VerifySetUp (2026-11-20): looked at as ever, never counted. */
export const validation: Validation<SnapchatSettings> = {
  build: (events, settings, context) => build(events, { ...settings, validateOnly: true }, context),
  read: (response, events) => read(response, events),
}

export const check = checkByValidation(
  { type: 'page_view', name: 'PAGE_VIEW' },
  validation,
  (_outcome, { status }) => status === 404,
)
