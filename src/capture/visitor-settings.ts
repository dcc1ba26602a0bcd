import { z } from 'zod'
import { compileAddresses } from './client-address.ts'
import { field, headerName, nonEmpty, valueGlob } from './setting.ts'

/** What a site says of who asks: where the visitor's address and country stand, and who is no visitor. */

const addressOrRange = z.string().superRefine((written, context) => {
  try {
    compileAddresses([written])
  } catch {
    const message = `"${written}" is no address or range; write one as 192.0.2.7 or 10.8.0.0/16`
    context.addIssue({ code: 'custom', message })
  }
})

const headerGlobs = z.record(headerName, valueGlob)

const botsSchema = z
  .strictObject({
    known: field(
      z.boolean(),
      'Known bots',
      'false lets programs count that say what they are; only "deny", "headers" and a missing user agent shut out then. true when absent.',
    ).optional(),
    allow: field(z.array(nonEmpty), 'Allow', 'Texts in user agents to let pass.', ['MyShopApp']).optional(),
    deny: field(z.array(nonEmpty), 'Deny', 'Texts in user agents to shut out.', ['PriceCrawler']).optional(),
    headers: field(
      headerGlobs,
      'Headers',
      'Request headers to globs, "*" present: a request with one of them is a bot, as where a CDN marks them.',
      { 'x-verified-bot': 'true' },
    ).optional(),
  })
  .meta({ title: 'Bots', description: 'Corrections to the list of known bots.' })

const monitoringSchema = z
  .strictObject({
    userAgents: field(
      z.array(nonEmpty).min(1),
      'User agents',
      'Texts in the user agents of your monitoring.',
      ['ShopWatch/'],
    ).optional(),
    addresses: field(
      z.array(addressOrRange).min(1),
      'Addresses',
      'Addresses and ranges it asks from, private ones too.',
      ['192.0.2.7', '10.8.0.0/16'],
    ).optional(),
    headers: field(headerGlobs, 'Headers', 'Request headers to globs, "*" present: one of them is enough.', {
      'x-monitoring': '*',
    }).optional(),
  })
  .refine((settings) => Object.keys(settings).length > 0, {
    error: 'says nothing: name userAgents, addresses or headers',
    when: ({ issues }) => issues.length === 0,
  })
  .meta({
    title: 'Monitoring',
    description: "The site's own monitoring and tests: served like everybody, never counted.",
  })

const previewsSchema = z
  .strictObject({
    known: field(
      z.boolean(),
      'Known previews',
      'false lets the previews of WordPress, Elementor, Shopify, HubSpot, Storyblok and Next.js count; true when absent.',
    ).optional(),
    query: field(
      z.record(nonEmpty, valueGlob),
      'Query',
      'Query parameters to globs, "*" present: a request with one of them is a preview.',
      { draft: '1' },
    ).optional(),
    cookies: field(
      z.record(nonEmpty, valueGlob),
      'Cookies',
      'Cookies to globs, "*" present: a request with one of them is an editor at work.',
      { cms_session: '*' },
    ).optional(),
  })
  .meta({ title: 'Previews', description: 'Pages that an editor looks at, and which are not counted.' })

export const visitorFields = {
  clientIpHeader: field(
    headerName,
    'Client address header',
    'The one header in which your trusted proxies (--trusted-proxies) name the visitor; from anybody else it does not count. When absent X-Forwarded-For, or Forwarded where that is missing.',
    'CF-Connecting-IP',
    'Forwarded',
  ).optional(),
  countryHeader: field(
    headerName,
    'Country header',
    "The header in which your trusted proxies name the visitor's country, as in DE. Where it is unknown, what depends on it is not sent.",
    'CF-IPCountry',
  ).optional(),
  bots: botsSchema.optional(),
  monitoring: monitoringSchema.optional(),
  previews: previewsSchema.optional(),
} as const

const visitorSchema = z.strictObject(visitorFields)
export type VisitorSettings = z.infer<typeof visitorSchema>
