import {
  consentCategories,
  noConsentSignal,
  type ConsentCategory,
  type ConsentState,
  type Grant,
} from '../../event/consent.ts'
import { consentEvidence } from '../../event/ingest-consent.ts'
import type { CookieJar } from '../cookies.ts'
import { headerList } from '../headers.ts'
import type { ConsentSettings } from '../consent-settings.ts'
import { cookiebot } from './cookiebot.ts'
import { onetrust } from './onetrust.ts'
import { strictest, type ConsentReader, type ConsentReading } from './reader.ts'
import { swConsent } from './sw-consent.ts'

/** In order of precedence: the first that can be read names the state's `source`. */
const readers: readonly ConsentReader[] = [swConsent, onetrust, cookiebot]

const withheld = (grant: Grant): Grant => (grant === 'granted' ? 'unknown' : grant)

const differ = (a: ConsentReading, b: ConsentReading): boolean =>
  consentCategories.some((category) => a[category] !== b[category])

/**
 * The consent of one request. Never throws, and grants a category only where every enabled source that can be read
 * grants it.
 *
 * A site that names no `sources` gets the three documented ones: an operator who wrote nothing expects them to work. The
 * danger of reading too many is the cookie that a removed tool left behind. Sources that disagree give the strictest
 * answer, so it can take grants from the tool in use and add none to it; only before that tool has written a cookie does
 * the old one speak alone, and speaks then of what this visitor once chose here. Naming `sources` ends that too.
 */
export const readConsent = (
  rawHeaders: readonly string[],
  jar: CookieJar,
  settings: ConsentSettings = {},
): ConsentState => {
  const found = readers
    .filter(({ source }) => settings.sources?.includes(source) ?? true)
    .flatMap(({ source, read }) => {
      const reading = read(jar, settings)
      return reading === null ? [] : [{ source, reading }]
    })

  // `Sec-GPC` is the one character `1`; of several copies, joined or not, one is enough (w3c.github.io/gpc).
  const gpc = settings.gpc !== 'ignore' && headerList(rawHeaders, 'sec-gpc').includes('1')
  const afterGpc = (state: ConsentState): ConsentState =>
    gpc ? { ...state, gpc, marketing: 'denied' } : state

  const [first] = found
  if (first === undefined) return afterGpc(noConsentSignal)

  const conflict = found.some(({ reading }) => differ(first.reading, reading))
  const answer = found
    .map(({ source, reading }) => {
      const doubtful = jar.truncated || (settings.requireExplicit === true && reading.explicit !== true)
      const grant = (category: ConsentCategory): Grant =>
        doubtful ? withheld(reading[category]) : reading[category]
      return {
        analytics: grant('analytics'),
        marketing: grant('marketing'),
        personalization: grant('personalization'),
        explicit: reading.explicit,
        evidence: found.length > 1 ? `${source}: ${reading.evidence}` : reading.evidence,
      }
    })
    .reduce(strictest)

  return afterGpc({
    analytics: answer.analytics,
    marketing: answer.marketing,
    personalization: answer.personalization,
    source: first.source,
    explicit: answer.explicit,
    gpc: false,
    conflict,
    raw: consentEvidence(answer.evidence),
  })
}
