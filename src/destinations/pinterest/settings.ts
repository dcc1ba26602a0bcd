import { z } from 'zod'

const limitedDataProcessing = z.strictObject({
  withoutState: z
    .enum(['refuse', 'opt_out'])
    .default('refuse')
    .meta({
      title: 'Where the state is not known',
      description:
        'Pinterest ignores the flag without state and country. Do not send, or send as an event of somebody who opted out.',
      examples: ['opt_out'],
    }),
})

export const pinterestSettings = z.strictObject({
  accessToken: z
    .string()
    // Copied together with the word that the header begins with.
    .overwrite((text) => text.replace(/^\s*Bearer\s+/i, ''))
    .min(1)
    .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')
    .meta({
      title: 'Access token',
      description:
        'Ads Manager, Conversions, Conversion access token. A token of an app with the scope ads:write works too, until it expires.',
      secret: true,
      examples: ['pina_…'],
    }),
  adAccountId: z
    .string()
    .regex(/^\d{1,20}$/, 'the number of the ad account, as text')
    .meta({
      title: 'Ad account ID',
      description: 'Ads Manager, Ad account settings. Not the id of the Pinterest tag.',
      examples: ['549755885175'],
    }),
  validateOnly: z
    .boolean()
    .default(false)
    .meta({
      title: 'Validate only',
      description:
        'Pinterest checks every event and records none. For trying things out; everything sent meanwhile is lost to the reports.',
      examples: [true],
    }),
  ingestActionSource: z
    .enum(['web', 'offline'])
    .default('web')
    .meta({
      title: 'Origin of events without a browser',
      description:
        'What to call events of the ingest API that carry no page address or no user agent. Pinterest does not deduplicate offline events.',
      examples: ['offline'],
    }),
  limitedDataProcessing: limitedDataProcessing.optional().meta({
    title: 'Limited Data Processing',
    description:
      'For people under the privacy laws of US states: events of a person known to live in one are flagged. It does not replace consent in Europe.',
    examples: [{ withoutState: 'refuse' }],
  }),
  partnerName: z
    .string()
    .max(64)
    .regex(/^ss-[a-z0-9_-]+$/, 'such as ss-example')
    .optional()
    .meta({
      title: 'Partner name',
      description: 'Names the platform that sends, where Pinterest gave it a name.',
      examples: ['ss-example'],
    }),
})

export type PinterestSettings = z.infer<typeof pinterestSettings>
