import { z } from 'zod'
import { userDataFields } from '../event/event.ts'
import { isCurrency } from '../event/money.ts'
import { consentSettingsSchema } from './consent-settings.ts'
import { field, nonEmpty } from './setting.ts'
import { visitorFields } from './visitor-settings.ts'
import { identitySchema } from './identity/settings.ts'

/** What the rules file says of a site's traffic: hosts, origin, consent, rules. The words of the public contract. */

/** A name to a glob: `"*"` present, `null` absent. */
const globs = z.record(nonEmpty, nonEmpty.nullable())
const oneOrMany = (schema: z.ZodString) => z.union([schema, z.array(schema).min(1)])
const status = z.int().min(100).max(599)

export const matchSchema = z
  .strictObject({
    path: field(
      oneOrMany(nonEmpty),
      'Path',
      'Globs of the path (picomatch), one or a list; `:name` captures a segment, a leading `!` excludes. Matched on the path in normal form, without the query.',
      '/checkout/thank-you',
      ['/order-received/:orderId', '!/order-received/test'],
    ).optional(),
    host: field(
      oneOrMany(nonEmpty),
      'Host',
      'Globs of the host name, one or a list; a leading `!` excludes.',
      'm.shop.example.com',
    ).optional(),
    method: field(
      oneOrMany(z.string().regex(/^[A-Z]+$/, 'capital letters, as in GET')),
      'Method',
      'Request methods, one or a list; GET when absent.',
      ['GET', 'POST'],
    ).optional(),
    query: field(
      globs,
      'Query',
      'Query parameters to globs; "*" present, null absent, a leading `!` negates.',
      { status: 'paid' },
    ).optional(),
    cookie: field(globs, 'Cookies', 'Cookies to globs; "*" present, null absent, a leading `!` negates.', {
      logged_in: '*',
    }).optional(),
    header: field(
      globs,
      'Headers',
      'Request headers to globs; "*" present, null absent, a leading `!` negates.',
      { 'x-preview': null },
    ).optional(),
    referrer: field(
      nonEmpty.nullable(),
      'Referrer',
      'A glob of the referrer; "*" present, null absent, a leading `!` negates.',
      'https://*.example.com/*',
    ).optional(),
    status: field(
      z.union([status, z.array(status).min(1)]),
      'Status',
      'Response statuses, one or a list; any 2xx when absent.',
      200,
    ).optional(),
  })
  .meta({ title: 'Match', description: 'All of its conditions must hold.' })

const minorUnits = field(
  z.boolean(),
  'Minor units',
  'The number is in cents (or what the currency has); divide it.',
).optional()

export const sourceSchema = z
  .union([
    z.strictObject({
      selector: field(nonEmpty, 'Selector', 'A CSS selector; the text of the first element found.', '.total'),
      attribute: field(
        nonEmpty,
        'Attribute',
        'This attribute in place of the text.',
        'data-order',
      ).optional(),
      minorUnits,
    }),
    z.strictObject({
      jsonLd: field(nonEmpty, 'JSON-LD', 'A path that begins with a type.', 'Product.offers.price'),
      minorUnits,
    }),
    z.strictObject({
      meta: field(nonEmpty, 'Meta', 'The property or name of a <meta> element.', 'order:currency'),
      minorUnits,
    }),
    z.strictObject({
      microdata: field(nonEmpty, 'Microdata', 'A path of itemprop names.', 'Product.sku'),
      minorUnits,
    }),
    z.strictObject({
      regex: field(
        nonEmpty,
        'Regular expression',
        "Over the page's text; the first group, or all of it where there is none.",
        'Order #([0-9]+)',
      ),
      flags: field(
        z.string().regex(/^[imsu]*$/, 'none but the letters i, m, s and u'),
        'Flags',
        'Flags of the expression.',
        'i',
      ).optional(),
      minorUnits,
    }),
    z.strictObject({
      dataLayer: field(
        nonEmpty,
        'Data layer',
        'A path in the objects given to dataLayer.push.',
        'ecommerce.value',
      ),
      minorUnits,
    }),
    z.strictObject({
      param: field(nonEmpty, 'Path parameter', 'What `:name` captured in the path.', 'orderId'),
      minorUnits,
    }),
    z.strictObject({
      query: field(nonEmpty, 'Query parameter', "A parameter of the page's address.", 'order'),
      minorUnits,
    }),
    z.strictObject({ cookie: field(nonEmpty, 'Cookie', 'A cookie of the visitor.', 'order_id'), minorUnits }),
    z.strictObject({
      header: field(nonEmpty, 'Header', 'A header of the request.', 'x-order-id'),
      minorUnits,
    }),
    z.strictObject({
      const: field(
        z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]),
        'Constant',
        'A fixed value.',
        'EUR',
      ),
    }),
  ])
  .meta({ id: 'source', title: 'Source', description: 'Where a field is read from.' })
export type Source = z.infer<typeof sourceSchema>

const sources = z.union([sourceSchema, z.array(sourceSchema).min(1)]).meta({ id: 'sources' })

const customFields = [
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
export const extractFields = [...customFields, ...userDataFields] as const
export type ExtractField = (typeof extractFields)[number]

const extractTitles: Readonly<Record<ExtractField, readonly [title: string, what: string]>> = {
  value: ['Value', 'What the conversion is worth'],
  currency: ['Currency', 'The currency of the value, as in EUR'],
  orderId: ['Order id', 'The order number, which keeps one order from counting twice'],
  contentIds: ['Content ids', 'Ids of the products'],
  contentName: ['Content name', 'The name of the product'],
  contentType: ['Content type', '"product" or "product_group"'],
  contentCategory: ['Content category', 'The category of the product'],
  contents: ['Contents', 'The products with quantity and price'],
  numItems: ['Number of items', 'How many pieces'],
  searchString: ['Search string', 'What was searched for'],
  email: ['E-mail', "The visitor's e-mail address; hashed before it is kept"],
  phone: ['Phone', "The visitor's phone number; hashed before it is kept"],
  firstName: ['First name', "The visitor's first name; hashed before it is kept"],
  lastName: ['Last name', "The visitor's last name; hashed before it is kept"],
  city: ['City', "The visitor's city; hashed before it is kept"],
  state: ['State', "The visitor's state or province; hashed before it is kept"],
  zip: ['Postal code', "The visitor's postal code; hashed before it is kept"],
  country: ['Country', "The visitor's country, as in DE; hashed before it is kept"],
  externalId: ['External id', "The shop's own id of the visitor; hashed before it is kept"],
}

const extractSchema = z
  .strictObject(
    Object.fromEntries(
      extractFields.map((name) => {
        const [title, what] = extractTitles[name]
        return [name, field(sources, title, `${what}: a source, or a list tried in order.`).optional()]
      }),
    ) as Record<ExtractField, z.ZodOptional<typeof sources>>,
  )
  .meta({ title: 'Extract', description: 'Per field a source, or a list of sources tried in order.' })

export const actionSchema = z
  .strictObject({
    type: field(z.literal('fire_conversion_event'), 'Type', 'What the rule does.'),
    eventType: field(
      nonEmpty.max(100),
      'Event type',
      'A standard name such as purchase, an alias of one, or a name of your own.',
      'purchase',
      'view_content',
    ),
    extract: extractSchema.optional(),
    set: field(
      z.record(nonEmpty, z.union([z.string(), z.number(), z.boolean()])),
      'Set',
      'Fixed values: standard fields, or properties of your own.',
      { contentType: 'product' },
    ).optional(),
    targets: field(
      z.array(nonEmpty).min(1),
      'Targets',
      'Integration ids or platform names; every active integration when absent.',
      ['meta', 'ga4'],
    ).optional(),
    require: field(
      z.array(z.enum(extractFields)).min(1),
      'Require',
      'Fields without which nothing fires: tells the page that says thank you from the form that came back with errors.',
      ['orderId'],
    ).optional(),
    enrich: field(
      z.enum(['auto', 'order', 'any', 'off']),
      'Enrichment',
      'What may fill missing fields from the page: "auto" follows the event, "order" only order data, "any" product prices on a purchase too, "off" nothing.',
    ).optional(),
  })
  .meta({ title: 'Action', description: 'The event to make of a page that matches.' })
export type Action = z.infer<typeof actionSchema>

const idText = 'letters, digits, ".", "_" and "-"'

export const ruleSchema = z
  .strictObject({
    id: field(
      nonEmpty.max(100).regex(/^[\w.-]+$/, idText),
      'Rule id',
      'Names the rule in the event log; unique within the site.',
      'order-placed',
    ),
    description: field(z.string(), 'Description', 'A note for people.').optional(),
    enabled: field(z.boolean(), 'Enabled', 'false switches the rule off; true when absent.').optional(),
    match: matchSchema,
    actions: field(z.array(actionSchema).min(1), 'Actions', 'Every one of them fires.'),
    navigation: field(
      z.boolean(),
      'Navigation only',
      'false lets requests made by scripts and frames fire too, and answers that are no page; true when absent.',
    ).optional(),
    frames: field(
      z.boolean(),
      'Frames',
      'true lets a page fire that was opened in a frame, such as a checkout embedded in another page.',
    ).optional(),
    prefetch: field(
      z.boolean(),
      'Load ahead',
      'false refuses the page, with a 503, to browsers that would load it before somebody opens it: they ask again then, and it counts. When absent they get it, and a page opened from there makes no request and no event.',
      false,
    ).optional(),
    repeatMinutes: field(
      z.int().min(0).max(1440),
      'Repeat after',
      'Where no order id tells: minutes within which the same browser at the same address is a reload and no second event. When absent 30 for leads and the like; 0, each counts, for views, searches and carts, and with "navigation": false.',
      0,
    ).optional(),
    cacheQuery: field(
      z.array(nonEmpty),
      'Cache query',
      'The only query parameters that tell product pages apart.',
      ['variant'],
    ).optional(),
  })
  .meta({ title: 'Rule', description: 'Which pages fire, and what. Every rule that matches fires.' })
export type Rule = z.infer<typeof ruleSchema>

const currency = z
  .string()
  .regex(/^[A-Z]{3}$/, 'three capital letters, as in EUR')
  .refine(isCurrency, { error: 'is no currency of ISO 4217' })

const httpUrl = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), {
    error: 'must be an http:// or https:// address',
  })
  .refine(
    (text) => {
      const url = URL.parse(text)
      return (
        url === null || (url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '')
      )
    },
    { error: 'must be scheme, host and port only, without path, query or credentials' },
  )

/** The site's half that capture and proxy read; `sites/` adds the integrations. */
export const trafficFields = {
  id: field(
    nonEmpty.max(64).regex(/^[\w.-]+$/, idText),
    'Site id',
    'Names the site in the API and in the event log.',
    'shop',
  ),
  hosts: field(
    z
      .array(
        nonEmpty.regex(
          /^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])$/,
          'a name, *.name or *, in lower case and without a port',
        ),
      )
      .min(1),
    'Hosts',
    'Names, *.name, or * for any. The exact name wins, then the longest wildcard, then *.',
    ['shop.example.com', '*.shop.example.com'],
  ),
  origin: field(httpUrl, 'Origin', 'Where the site really runs.', 'https://origin.example.net'),
  originHost: field(nonEmpty, 'Origin host', "Sent as Host in the visitor's place.").optional(),
  tls: z
    .union([
      z.literal('acme'),
      z.strictObject({
        cert: field(
          nonEmpty,
          'Certificate',
          'A PEM file: the certificate, then those that lead to its root.',
        ),
        key: field(nonEmpty, 'Key', 'A PEM file: the private key, without a passphrase.'),
      }),
    ])
    .meta({
      title: 'TLS',
      description:
        'How the site is served over TLS: files with its certificate, watched for new ones, or "acme" to have certificates issued and renewed.',
      examples: ['acme', { cert: '/etc/sluice/shop.crt', key: '/etc/sluice/shop.key' }],
    })
    .optional(),
  redirectToHttps: field(
    z.union([z.boolean(), z.int().min(1).max(65_535)]),
    'Redirect to https',
    'Sends requests that came over http to https by a 308; a number is the port that visitors reach, where it is not 443.',
  ).optional(),
  currency: field(currency, 'Currency', 'For events whose page names none.', 'EUR').optional(),
  decimal: field(
    z.enum(['.', ',']),
    'Decimal sign',
    "Ends all doubt about the site's written prices.",
  ).optional(),
  defaultCountry: field(
    z.string().regex(/^[A-Z]{2}$/, 'two capital letters, as in DE'),
    'Default country',
    'Makes national phone numbers international.',
    'DE',
  ).optional(),
  consent: consentSettingsSchema.optional(),
  identity: identitySchema.optional(),
  ingest: z
    .strictObject({
      public: field(
        z.boolean(),
        'Public',
        "true: POST /tracking/ingest is answered on the site's own hosts, too, and never reaches the origin.",
        true,
      ).optional(),
    })
    .meta({
      title: 'Ingest',
      description: 'Where back ends may send events; to the admin listener alone when absent.',
    })
    .optional(),
  holdMs: field(
    z.int().min(0).max(10_000),
    'Hold',
    'Milliseconds that the last byte of a conversion page may wait for its event to be committed; 100 when absent.',
  ).optional(),
  ...visitorFields,
  productCache: z
    .strictObject({
      ttlHours: field(
        z.number().min(0).max(24),
        'Lifetime',
        'Hours that the facts of a product page are kept; 24 when absent.',
      ).optional(),
      varyCookies: field(
        z.array(nonEmpty),
        'Vary by cookies',
        'Cookies that change what a product page says, such as the currency chosen.',
      ).optional(),
    })
    .meta({ title: 'Product cache', description: 'What is remembered of product pages.' })
    .optional(),
  rules: field(z.array(ruleSchema), 'Rules', 'What counts as a conversion.'),
} as const

const trafficSchema = z.strictObject(trafficFields)
/** A site as capture and proxy see it. */
export type SiteTraffic = z.infer<typeof trafficSchema>
