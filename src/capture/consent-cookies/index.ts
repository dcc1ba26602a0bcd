import { noConsentSignal, type ConsentCategory, type ConsentState, type Grant } from '../../event/consent.ts'
import { consentEvidence } from '../../event/ingest-consent.ts'
import type { CookieJar } from '../cookies.ts'
import { headerList } from '../headers.ts'
import { defaultSources, type ConsentSettings } from '../consent-settings.ts'
import { axeptio } from './axeptio.ts'
import { borlabs } from './borlabs.ts'
import { complianz } from './complianz.ts'
import { cookieInformation } from './cookie-information.ts'
import { cookieScript } from './cookie-script.ts'
import { cookiebot } from './cookiebot.ts'
import { cookieconsent } from './cookieconsent.ts'
import { cookiefirst } from './cookiefirst.ts'
import { cookieyes } from './cookieyes.ts'
import { didomi } from './didomi.ts'
import { googleConsentMode } from './google-consent-mode.ts'
import { gpp } from './gpp.ts'
import { iubenda } from './iubenda.ts'
import { klaro } from './klaro.ts'
import { onetrust } from './onetrust.ts'
import { differ, perCategory, strictest, type ConsentReader } from './reader.ts'
import { shopify } from './shopify.ts'
import { swConsent } from './sw-consent.ts'
import { tcf } from './tcf.ts'
import { trustarc } from './trustarc.ts'
import { usprivacy } from './usprivacy.ts'
import { wpConsentApi } from './wp-consent-api.ts'

/** One per source; `consentSources` has their order. */
const readers: readonly ConsentReader[] = [
  swConsent,
  onetrust,
  cookiebot,
  tcf,
  gpp,
  usprivacy,
  cookieyes,
  complianz,
  iubenda,
  didomi,
  borlabs,
  shopify,
  trustarc,
  cookieconsent,
  klaro,
  axeptio,
  cookieInformation,
  cookiefirst,
  cookieScript,
  wpConsentApi,
  googleConsentMode,
]

const withheld = (grant: Grant): Grant => (grant === 'granted' ? 'unknown' : grant)

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
  const enabled = settings.sources ?? defaultSources
  const found = readers
    .filter(({ source }) => enabled.includes(source))
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

  const conflict = found.some(({ reading }, place) =>
    found.slice(0, place).some((before) => differ(before.reading, reading)),
  )
  const answer = found
    .map(({ source, reading }) => {
      const doubtful = jar.truncated || (settings.requireExplicit === true && reading.explicit !== true)
      const grant = (category: ConsentCategory): Grant =>
        doubtful ? withheld(reading[category]) : reading[category]
      return {
        ...reading,
        ...perCategory(grant),
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
