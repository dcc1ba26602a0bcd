import { z } from 'zod'
import { consentCategories } from '../event/consent.ts'
import { field, nonEmpty } from './setting.ts'

/** What the rules file says of a site's consent: which tools it uses, and what their own words mean here. */

/** In order of precedence: the first that can be read names the consent's source. */
export const consentSources = [
  '_sw_consent',
  'onetrust',
  'cookiebot',
  'tcf',
  'gpp',
  'usprivacy',
  'cookieyes',
  'complianz',
  'iubenda',
  'didomi',
  'borlabs',
  'shopify',
  'trustarc',
  'cookieconsent',
  'klaro',
  'axeptio',
  'cookie_information',
  'cookiefirst',
  'cookie_script',
  'wp_consent_api',
  'google_consent_mode',
] as const
export type ConsentSource = (typeof consentSources)[number]

/** Read where a site names none: the three that are documented without settings. */
export const defaultSources: readonly ConsentSource[] = ['_sw_consent', 'onetrust', 'cookiebot']

const category = z.enum(consentCategories)
/** Category to the tool's own names; all of them must be granted. */
const named = z.partialRecord(category, z.array(nonEmpty).min(1))
const numbered = (max: number) => z.partialRecord(category, z.array(z.int().min(1).max(max)).min(1))
const cookieName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, "a cookie's name: letters, digits and !#$%&'*+.^_`|~-")

const tcf = z
  .strictObject({
    cookies: field(
      z.array(cookieName).min(1),
      'Cookies',
      'Where the consent tool keeps the TC string; "euconsent-v2" and "eupubconsent-v2" when absent.',
      ['euconsent-v2'],
    ).optional(),
    purposes: field(
      numbered(24),
      'Purposes',
      'Category to the purposes that must all be consented to; a category left out keeps its own: analytics 1 and 8, marketing 1 and 7, personalization 1, 5 and 6.',
      { marketing: [1, 7], analytics: [1, 8] },
    ).optional(),
    vendors: field(
      numbered(65_535),
      'Vendors',
      'Category to the ids of the Global Vendor List that must all be consented to, too; none when absent.',
      { marketing: [755] },
    ).optional(),
    purposeOneTreatment: field(
      z.enum(['require', 'accept']),
      'Purpose one treatment',
      'Where a string says that purpose 1 was not asked for: "require" (when absent) takes that for a refusal, "accept" looks at the other purposes only.',
    ).optional(),
  })
  .meta({ title: 'IAB TCF', description: 'Of a TC string which purposes and vendors stand for a category.' })

const gpp = z
  .strictObject({
    cookies: field(
      z.array(cookieName).min(1),
      'Cookies',
      'Where the consent tool keeps the GPP string; "OTGPPConsent" when absent.',
      ['OTGPPConsent'],
    ).optional(),
  })
  .meta({ title: 'IAB GPP', description: 'Where the string of the Global Privacy Platform is kept.' })

/** Settings of one tool that has nothing but a map of its own names. */
const mapped = <K extends string>(key: K, title: string, what: string, example: z.output<typeof named>) =>
  z
    .strictObject({
      [key]: field(named, `${key.charAt(0).toUpperCase()}${key.slice(1)}`, what, example),
    } as Record<K, typeof named>)
    .meta({ title, description: `What stands for a category in ${title}.` })

const onetrust = z
  .strictObject({
    groups: field(
      z.partialRecord(category, z.array(nonEmpty)),
      'Groups',
      'Category to the OneTrust group ids that stand for it.',
      { marketing: ['C0004'] },
    ).optional(),
  })
  .meta({ title: 'OneTrust', description: "The site's own group ids per category." })

const cookieconsent = z
  .strictObject({
    cookie: field(cookieName, 'Cookie', 'Its name, where it is not "cc_cookie".', 'cc_cookie').optional(),
    categories: field(
      named,
      'Categories',
      'Category to the site\'s own category names; "analytics", "marketing" and "personalization" when left out.',
      { marketing: ['ads'] },
    ).optional(),
  })
  .meta({ title: 'cookieconsent', description: 'The cookieconsent of orestbida: cookie and category names.' })

const klaro = z
  .strictObject({
    cookie: field(cookieName, 'Cookie', 'Its name, where it is not "klaro".', 'klaro').optional(),
    services: field(
      named,
      'Services',
      "Category to the names of the services in Klaro's configuration that must all be on.",
      { analytics: ['google_analytics'], marketing: ['facebook_pixel', 'google_ads'] },
    ),
  })
  .meta({ title: 'Klaro', description: 'Which services stand for a category.' })

const googleConsentMode = z
  .strictObject({
    cookie: field(
      cookieName,
      'Cookie',
      'The cookie into which the site writes the state: "gcs" or "gcd" as in Google\'s hits, or a list such as "ad_storage:granted,analytics_storage:denied".',
      'gcm_state',
    ),
  })
  .meta({
    title: 'Google Consent Mode',
    description: 'It has no cookie of its own: this is one that the site keeps for it.',
  })

/** Tools whose own names mean nothing until the site says what they stand for. */
const needs: Readonly<Partial<Record<ConsentSource, string>>> = {
  didomi: '{ "purposes": { "marketing": [ … ] } }',
  klaro: '{ "services": { "marketing": [ … ] } }',
  axeptio: '{ "vendors": { "marketing": [ … ] } }',
  google_consent_mode: '{ "cookie": "…" }',
}

export const consentSettingsSchema = z
  .strictObject({
    sources: field(
      z.array(z.enum(consentSources)),
      'Sources',
      'The consent tools this site uses; only these cookies are read. "_sw_consent", "onetrust" and "cookiebot" when absent.',
      ['onetrust', 'gpp'],
    ).optional(),
    gpc: field(
      z.enum(['honor', 'ignore']),
      'Global Privacy Control',
      'Whether a browser that sends Sec-GPC has denied marketing.',
    ).optional(),
    requireExplicit: field(
      z.boolean(),
      'Require an explicit choice',
      'A banner default that nobody confirmed is no grant.',
    ).optional(),
    onetrust: onetrust.optional(),
    tcf: tcf.optional(),
    gpp: gpp.optional(),
    cookieyes: mapped('categories', 'CookieYes', 'Category to the CookieYes categories that stand for it.', {
      marketing: ['advertisement'],
    }).optional(),
    didomi: mapped('purposes', 'Didomi', 'Category to the ids of the Didomi purposes that stand for it.', {
      marketing: ['targeted_ads'],
    }).optional(),
    borlabs: mapped('groups', 'Borlabs Cookie', 'Category to the service groups that stand for it.', {
      personalization: ['external-media'],
    }).optional(),
    trustarc: z
      .strictObject({
        categories: field(
          numbered(9),
          'Categories',
          'Category to the numbers of the TrustArc categories that stand for it; analytics 2, marketing 3 and personalization 2 when left out.',
          { marketing: [4] },
        ),
      })
      .meta({ title: 'TrustArc', description: 'What stands for a category in TrustArc.' })
      .optional(),
    cookieconsent: cookieconsent.optional(),
    klaro: klaro.optional(),
    axeptio: mapped('vendors', 'Axeptio', 'Category to the names of the vendors that must all be on.', {
      analytics: ['google_analytics'],
    }).optional(),
    google_consent_mode: googleConsentMode.optional(),
  })
  .superRefine((settings, context) => {
    for (const [index, source] of (settings.sources ?? []).entries()) {
      const form = needs[source]
      if (form === undefined || Object.hasOwn(settings, source)) continue
      context.addIssue({
        code: 'custom',
        path: ['sources', index],
        message: `"${source}" cannot be read before the site says what its names stand for: add "${source}": ${form}`,
      })
    }
    const enabled = settings.sources ?? defaultSources
    for (const source of consentSources) {
      if (!Object.hasOwn(settings, source) || enabled.includes(source)) continue
      // The European section of a GPP string is a TC string.
      if (source === 'tcf' && enabled.includes('gpp')) continue
      context.addIssue({
        code: 'custom',
        path: [source],
        message: `has no effect: "${source}" is not among the "sources"`,
      })
    }
  })
  .meta({ title: 'Consent', description: "Where the visitor's consent is read from, and how strictly." })
export type ConsentSettings = z.infer<typeof consentSettingsSchema>
