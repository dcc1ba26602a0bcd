import type { RequestHead, ResponseHead } from '../capture/capture.ts'
import { answerCookies } from '../capture/identity/answer.ts'
import { planCookies } from '../capture/identity/plan.ts'
import { qualifyRequest } from '../capture/qualify.ts'
import type { SiteTraffic } from '../capture/rules.ts'
import { skipWords } from '../capture/skip-words.ts'
import type { Screen } from '../capture/screen.ts'
import type { Visit } from '../capture/visit.ts'

/** Which cookies the answer would carry, or why none; `null` for a site that has not asked for any. */
export const cookiesText = (
  site: SiteTraffic,
  {
    head,
    visit,
    answer,
    screen,
  }: {
    readonly head: RequestHead
    readonly visit: Visit
    readonly answer: ResponseHead
    readonly screen: Screen
  },
): string | null => {
  const { identity } = site
  if (identity === undefined) return null
  const none = (why: string): string => `  none: ${why}`
  if (!identity.setCookies) return none('identity.setCookies is false')
  const skipped = qualifyRequest(head, {}, screen)
  if (skipped !== null) return none(skipWords[skipped])
  const planned = planCookies(visit, identity, { random: () => 0.5, late: false })
  const { marketing } = visit.consent
  if (planned.length === 0 && marketing !== 'granted')
    return none(`marketing is ${marketing} (${visit.consent.source})`)
  if (planned.length === 0) return none('there is nothing to keep that the request does not show already')
  const { because, fields } = answerCookies({ planned, visit, site, answer })
  if (fields.length === 0) return none(because)
  const lines = fields.flatMap((text, index) =>
    index % 2 === 0 ? [`  ${text}: ${fields[index + 1] ?? ''}`] : [],
  )
  return [...lines, ...(because === '' ? [] : [`  ! ${because}`])].join('\n')
}
