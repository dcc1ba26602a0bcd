import { z } from 'zod'

const limitedDataUse = z
  .strictObject({
    country: z.union([z.literal(0), z.literal(1)]).meta({
      title: 'Country',
      description: '1 for the USA; 0 lets Meta find out from the address.',
    }),
    state: z.union([z.literal(0), z.int().min(1000).max(1013)]).meta({
      title: 'State',
      description:
        '1000 California, 1001 Colorado, … 1013 Rhode Island; 0 lets Meta find out from the address.',
    }),
    when: z.enum(['always', 'gpc']).default('always').meta({
      title: 'When',
      description: 'For every event, or only where the browser sent Global Privacy Control.',
    }),
  })
  .refine(({ country, state }) => country === 1 || state === 0, {
    error: 'a state needs country 1; for Meta to find out, give country 0 and state 0',
  })

export const metaSettings = z.strictObject({
  pixelId: z
    .string()
    .regex(/^\d{5,20}$/, 'the number of the pixel or dataset, as text')
    .meta({
      title: 'Pixel or dataset id',
      description: 'Events Manager, data source, Settings.',
      examples: ['1234567890123456'],
    }),
  accessToken: z
    .string()
    .min(1)
    .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')
    .meta({
      title: 'Access token',
      description: 'Events Manager, data source, Settings, Conversions API, Generate access token.',
      secret: true,
      examples: ['EAAB…'],
    }),
  testEventCode: z
    .string()
    .min(1)
    .optional()
    .meta({
      title: 'Test event code',
      description:
        'Shows events under Test events. Meta still counts them, so take it out once everything arrives.',
      examples: ['TEST12345'],
    }),
  apiVersion: z
    .string()
    .regex(/^v\d{2}\.0$/, 'such as v26.0')
    .default('v26.0')
    .meta({ title: 'Graph API version', description: 'Meta keeps each for two years.', examples: ['v26.0'] }),
  limitedDataUse: limitedDataUse.optional().meta({
    title: 'Limited Data Use',
    description: 'For visitors under the privacy laws of US states. It does not replace consent in Europe.',
    examples: [{ country: 0, state: 0 }],
  }),
  ingestActionSource: z
    .enum(['system_generated', 'email', 'phone_call', 'chat', 'physical_store', 'other'])
    .default('system_generated')
    .meta({
      title: 'Origin of events without a browser',
      description:
        'What to call events of the ingest API that carry no page address or no user agent; all others are website events.',
      examples: ['system_generated'],
    }),
  partnerAgent: z
    .string()
    .max(22)
    .regex(/[A-Za-z].*[A-Za-z]/, 'with at least two letters')
    .optional()
    .meta({
      title: 'Partner agent',
      description: 'Names the platform that sends, at most 22 characters.',
      examples: ['sluice'],
    }),
})

export type MetaSettings = z.infer<typeof metaSettings>
