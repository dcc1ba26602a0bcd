import { z } from 'zod'
import { consentCategories } from '../event/consent.ts'
import { userDataFields } from '../event/event.ts'
import { isCurrency } from '../event/money.ts'

/** What the rules file says of a site's traffic: hosts, origin, consent, rules. The words of the public contract. */

const nonEmpty = z.string().min(1)
const describe = <T extends z.ZodType>(schema: T, title: string, description: string): T =>
  schema.meta({ title, description })

/** A name to a glob: `"*"` present, `null` absent. */
const globs = z.record(nonEmpty, nonEmpty.nullable())
const oneOrMany = (schema: z.ZodString) => z.union([schema, z.array(schema).min(1)])

export const matchSchema = z
  .strictObject({
    path: describe(
      oneOrMany(nonEmpty),
      'Path',
      'Globs of the path (picomatch), one or a list; `:name` captures a segment, a leading `!` excludes.',
    ).optional(),
    host: describe(oneOrMany(nonEmpty), 'Host', 'Globs of the host name.').optional(),
    method: describe(oneOrMany(nonEmpty), 'Method', 'Request methods; GET when absent.').optional(),
    query: describe(globs, 'Query', 'Query parameters to globs; "*" present, null absent.').optional(),
    cookie: describe(globs, 'Cookies', 'Cookies to globs; "*" present, null absent.').optional(),
    header: describe(globs, 'Headers', 'Request headers to globs; "*" present, null absent.').optional(),
    referrer: describe(
      nonEmpty.nullable(),
      'Referrer',
      'A glob of the referrer; "*" present, null absent.',
    ).optional(),
    status: describe(
      z.union([z.int().min(100).max(599), z.array(z.int().min(100).max(599)).min(1)]),
      'Status',
      'Response statuses; any 2xx when absent.',
    ).optional(),
  })
  .meta({ title: 'Match', description: 'All of its conditions must hold.' })

const minorUnits = z.boolean().optional().meta({
  title: 'Minor units',
  description: 'The number is in cents (or what the currency has); divide it.',
})

export const sourceSchema = z
  .union([
    z.strictObject({ selector: nonEmpty, attribute: nonEmpty.optional(), minorUnits }),
    z.strictObject({ jsonLd: nonEmpty, minorUnits }),
    z.strictObject({ meta: nonEmpty, minorUnits }),
    z.strictObject({ microdata: nonEmpty, minorUnits }),
    z.strictObject({
      regex: nonEmpty,
      flags: z
        .string()
        .regex(/^[imsu]*$/)
        .optional(),
      minorUnits,
    }),
    z.strictObject({ dataLayer: nonEmpty, minorUnits }),
    z.strictObject({ param: nonEmpty, minorUnits }),
    z.strictObject({ query: nonEmpty, minorUnits }),
    z.strictObject({ cookie: nonEmpty, minorUnits }),
    z.strictObject({ header: nonEmpty, minorUnits }),
    z.strictObject({ const: z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]) }),
  ])
  .meta({ title: 'Source', description: 'Where a field is read from.' })
export type Source = z.infer<typeof sourceSchema>

const sources = z.union([sourceSchema, z.array(sourceSchema).min(1)])

export const customFields = [
  'value',
  'currency',
  'orderId',
  'contentIds',
  'contentName',
  'contentType',
  'contentCategory',
  'contents',
  'numItems',
  'searchString',
] as const
export type CustomField = (typeof customFields)[number]
export const extractFields = [...customFields, ...userDataFields] as const
export type ExtractField = (typeof extractFields)[number]

const extractSchema = z
  .strictObject(
    Object.fromEntries(extractFields.map((field) => [field, sources.optional()])) as Record<
      ExtractField,
      z.ZodOptional<typeof sources>
    >,
  )
  .meta({ title: 'Extract', description: 'Per field a source, or a list of sources tried in order.' })

export const actionSchema = z
  .strictObject({
    type: z.literal('fire_conversion_event'),
    eventType: nonEmpty.max(100).meta({
      title: 'Event type',
      description: 'A standard name such as purchase, an alias of one, or a name of your own.',
      examples: ['purchase', 'view_content'],
    }),
    extract: extractSchema.optional(),
    set: z
      .record(nonEmpty, z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .meta({ title: 'Set', description: 'Fixed values: standard fields, or properties of your own.' }),
    targets: z.array(nonEmpty).min(1).optional().meta({
      title: 'Targets',
      description: 'Integration ids or platform names; every active integration when absent.',
    }),
    enrich: z.enum(['auto', 'order', 'any', 'off']).optional().meta({
      title: 'Enrichment',
      description:
        'What may fill missing fields from the page: "auto" follows the event, "order" only order data, "any" product prices on a purchase too, "off" nothing.',
    }),
  })
  .meta({ title: 'Action' })
export type Action = z.infer<typeof actionSchema>

export const ruleSchema = z
  .strictObject({
    id: nonEmpty.max(100).regex(/^[\w.-]+$/, 'letters, digits, ".", "_" and "-"'),
    description: z.string().optional(),
    enabled: z.boolean().optional(),
    match: matchSchema,
    actions: z.array(actionSchema).min(1),
    navigation: z.boolean().optional().meta({
      title: 'Navigation only',
      description: 'false lets requests made by scripts and frames fire too; true when absent.',
    }),
    cacheQuery: z.array(nonEmpty).optional().meta({
      title: 'Cache query',
      description: 'The only query parameters that tell product pages apart.',
    }),
  })
  .meta({ title: 'Rule' })
export type Rule = z.infer<typeof ruleSchema>

export const consentSettingsSchema = z
  .strictObject({
    sources: z
      .array(z.enum(['_sw_consent', 'onetrust', 'cookiebot']))
      .optional()
      .meta({
        title: 'Sources',
        description: 'The consent tools this site uses; only these cookies are read.',
      }),
    gpc: z.enum(['honor', 'ignore']).optional(),
    requireExplicit: z.boolean().optional().meta({
      title: 'Require an explicit choice',
      description: 'A banner default that nobody confirmed is no grant.',
    }),
    onetrust: z
      .strictObject({
        groups: z.partialRecord(z.enum(consentCategories), z.array(nonEmpty)).optional(),
      })
      .optional()
      .meta({ title: 'OneTrust', description: "The site's own group ids per category." }),
  })
  .meta({ title: 'Consent' })
export type ConsentSettings = z.infer<typeof consentSettingsSchema>

const currency = z
  .string()
  .regex(/^[A-Z]{3}$/, 'three capital letters, as in EUR')
  .refine(isCurrency, { error: 'no currency of ISO 4217' })

const httpUrl = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), {
    error: 'an http:// or https:// address',
  })
  .refine(
    (text) => {
      const url = URL.parse(text)
      return (
        url === null || (url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '')
      )
    },
    { error: 'scheme, host and port only, without path, query or credentials' },
  )

/** The site's half that capture and proxy read; `sites/` adds the integrations. */
export const trafficFields = {
  id: nonEmpty
    .max(64)
    .regex(/^[\w.-]+$/, 'letters, digits, ".", "_" and "-"')
    .meta({ title: 'Site id' }),
  hosts: z
    .array(
      nonEmpty.regex(
        /^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])$/,
        'a name, *.name or *, in lower case',
      ),
    )
    .min(1)
    .meta({ title: 'Hosts', description: 'Names, *.name, or * for any.' }),
  origin: httpUrl.meta({
    title: 'Origin',
    description: 'Where the site really runs.',
    examples: ['https://origin.example.net'],
  }),
  originHost: nonEmpty
    .optional()
    .meta({ title: 'Origin host', description: "Sent as Host in the visitor's place." }),
  currency: currency.optional().meta({ title: 'Currency', description: 'For events whose page names none.' }),
  decimal: z.enum(['.', ',']).optional().meta({
    title: 'Decimal sign',
    description: "Ends all doubt about the site's written prices.",
  }),
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/, 'two capital letters, as in DE')
    .optional()
    .meta({ title: 'Default country', description: 'Makes national phone numbers international.' }),
  consent: consentSettingsSchema.optional(),
  holdMs: z.int().min(0).max(10_000).optional().meta({
    title: 'Hold',
    description:
      'How long the last byte of a conversion page may wait for its event to be committed; 100 when absent.',
  }),
  clientIpHeader: nonEmpty.optional().meta({
    title: 'Client address header',
    description: 'One header a trusted proxy puts the visitor in, such as CF-Connecting-IP.',
  }),
  bots: z
    .strictObject({ allow: z.array(nonEmpty).optional(), deny: z.array(nonEmpty).optional() })
    .optional()
    .meta({
      title: 'Bots',
      description: 'Texts in user agents to let pass or to shut out, beyond the list of known bots.',
    }),
  productCache: z
    .strictObject({
      ttlHours: z.number().min(0).max(24).optional(),
      varyCookies: z.array(nonEmpty).optional(),
    })
    .optional()
    .meta({ title: 'Product cache' }),
  rules: z.array(ruleSchema).meta({ title: 'Rules' }),
} as const

const trafficSchema = z.strictObject(trafficFields)
/** A site as capture and proxy see it. */
export type SiteTraffic = z.infer<typeof trafficSchema>
