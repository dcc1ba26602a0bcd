import type { RequestHead, ResponseHead } from '../capture.ts'
import { headerValue } from '../headers.ts'
import { qualifyRequest } from '../qualify.ts'
import type { Screen } from '../screen.ts'
import type { SiteTraffic } from '../rules.ts'
import type { Visit } from '../visit.ts'
import { answerCookies, type CookieOutcome } from './answer.ts'
import { proposalMs } from './fbp.ts'
import { planCookies } from './plan.ts'

/** Keeps click ids in cookies of the gateway's own, for a host that may add to answers. */

export interface KeeperOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** Told what became of each answer that was to carry cookies. */
  readonly onOutcome: (told: { readonly site: string; readonly outcome: CookieOutcome }) => void
}

export interface Keeper {
  /** A quick look, before anything is parsed. A request without cookies has granted nothing. */
  mayKeep(site: SiteTraffic, head: RequestHead): boolean
  /** `null`, mostly: this visitor has all there is to have. */
  begin(site: SiteTraffic, head: RequestHead, visit: Visit, screen: Screen): Keeping | null
}

/** For one answer. */
export interface Keeping {
  answered(answer: ResponseHead): readonly string[]
}

export const createKeeper = ({ now, random, onOutcome }: KeeperOptions): Keeper => ({
  mayKeep: ({ identity }, { rawHeaders }) =>
    identity?.setCookies === true &&
    (headerValue(rawHeaders, 'sec-fetch-dest') ?? 'document') === 'document' &&
    headerValue(rawHeaders, 'cookie') !== undefined,

  begin: (site, head, visit, screen) => {
    const { identity } = site
    if (identity === undefined || qualifyRequest(head, {}, screen) !== null) return null
    const inTime = planCookies(visit, identity, { random, late: false })
    if (inTime.length === 0) return null
    return {
      answered: (answer) => {
        const late = now() - visit.at > proposalMs
        const planned = late ? planCookies(visit, identity, { random, late }) : inTime
        if (planned.length === 0) return []
        const { outcome, fields } = answerCookies({ planned, visit, site, answer })
        onOutcome({ site: site.id, outcome })
        return fields
      },
    }
  },
})
