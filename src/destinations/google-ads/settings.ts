import { z } from 'zod'

const token = z
  .string()
  .min(1)
  .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')

const account = z.string().regex(/^\d{3}-?\d{3}-?\d{4}$/, 'ten digits, such as 123-456-7890')

export const googleAdsSettings = z
  .strictObject({
    customerId: account.meta({
      title: 'Customer id',
      description:
        'The account that owns the conversion action; with cross-account conversion tracking that is the manager.',
      examples: ['123-456-7890'],
    }),
    conversionActionId: z
      .string()
      .regex(/^\d{1,19}$/, 'the number of the conversion action, as text')
      .meta({
        title: 'Conversion action id',
        description:
          'Goals, Conversions, the action: the number after ctId= in its address. Purchases, leads and other results go to it; an eventMapping gives any event an action of its own.',
        examples: ['987654321'],
      }),
    refreshToken: token.meta({
      title: 'Refresh token',
      description:
        'From the Google OAuth consent flow, granted for both scopes, datamanager and adwords. While the consent screen is in Testing, Google ends it after 7 days.',
      secret: true,
      examples: ['1//0g…'],
    }),
    clientId: token.meta({
      title: 'Client id',
      description: 'Google Cloud console, APIs and services, Credentials, the OAuth client.',
      examples: ['1234567890-abc.apps.googleusercontent.com'],
    }),
    clientSecret: token.meta({
      title: 'Client secret',
      description: 'Beside the client id.',
      secret: true,
      examples: ['GOCSPX-…'],
    }),
    transport: z
      .enum(['data_manager', 'google_ads_api'])
      .default('data_manager')
      .meta({
        title: 'Transport',
        description:
          'The Data Manager API, or the older upload of the Google Ads API, which Google keeps open only for projects that used it before June 2026.',
        examples: ['data_manager'],
      }),
    loginCustomerId: account.optional().meta({
      title: 'Manager account',
      description: 'Only where the Google user reaches the account through this manager.',
      examples: ['111-222-3333'],
    }),
    enhance: z
      .boolean()
      .default(false)
      .meta({
        title: 'Enhance only',
        description:
          'On the Google Ads API: add hashed identifiers to conversions that the tag on the page reported under the same order id, and create none. The Data Manager API does both by itself.',
        examples: [true],
      }),
    sendAddress: z
      .boolean()
      .default(false)
      .meta({
        title: 'Address',
        description:
          'Hashed first and last name with country and postcode, which Google wants in the clear. Needs a secret key, under which the postcode is sealed until it is sent.',
        examples: [true],
      }),
    merchantId: z
      .string()
      .regex(/^\d{1,19}$/, 'the number of the Merchant Center account, as text')
      .optional()
      .meta({
        title: 'Merchant Center id',
        description: 'Sends the products of a purchase as cart data.',
        examples: ['5551234'],
      }),
    merchantFeedLabel: z
      .string()
      .regex(/^[A-Z0-9_-]{1,20}$/, 'such as DE')
      .optional()
      .meta({
        title: 'Merchant feed label',
        description: 'Of the feed that holds the products.',
        examples: ['DE'],
      }),
    merchantFeedLanguage: z
      .string()
      .regex(/^[a-z]{2}$/, 'two letters, such as de')
      .optional()
      .meta({
        title: 'Merchant feed language',
        description: 'ISO 639-1, of the feed.',
        examples: ['de'],
      }),
    validateOnly: z
      .boolean()
      .default(false)
      .meta({
        title: 'Validate only',
        description: 'Google checks every request and keeps none of its conversions.',
        examples: [true],
      }),
    googleAdsApiVersion: z
      .string()
      .regex(/^v\d{2}$/, 'such as v26')
      .default('v26')
      .meta({
        title: 'Google Ads API version',
        description: 'Google keeps each for about a year.',
        examples: ['v26'],
      }),
  })
  .refine(({ enhance, transport }) => !enhance || transport === 'google_ads_api', {
    error: 'only with transport google_ads_api; the Data Manager API enhances by itself',
    path: ['enhance'],
  })

export type GoogleAdsSettings = z.infer<typeof googleAdsSettings>

/** Google shows account numbers with dashes and takes them without. */
export const accountNumber = (written: string): string => written.replace(/\D/g, '')
