import { z } from 'zod'
import { consentCategories } from '../event/consent.ts'
import { field, nonEmpty } from './setting.ts'

/** What the rules file says of a site's consent: which tools it uses, and what their own words mean here. */

export const consentSettingsSchema = z
  .strictObject({
    sources: field(
      z.array(z.enum(['_sw_consent', 'onetrust', 'cookiebot'])),
      'Sources',
      'The consent tools this site uses; only these cookies are read.',
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
    onetrust: z
      .strictObject({
        groups: field(
          z.partialRecord(z.enum(consentCategories), z.array(nonEmpty)),
          'Groups',
          'Category to the OneTrust group ids that stand for it.',
          { marketing: ['C0004'] },
        ).optional(),
      })
      .meta({ title: 'OneTrust', description: "The site's own group ids per category." })
      .optional(),
  })
  .meta({ title: 'Consent', description: "Where the visitor's consent is read from, and how strictly." })
export type ConsentSettings = z.infer<typeof consentSettingsSchema>
