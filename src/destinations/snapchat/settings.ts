import { z } from 'zod'

const limitedDataUse = z
  .strictObject({
    country: z.union([z.literal(0), z.literal(1)]).meta({
      title: 'Country',
      description: '1 for the USA; 0 lets Snapchat find out.',
    }),
    state: z.union([z.literal(0), z.literal(1000)]).meta({
      title: 'State',
      description: '1000 for California; 0 lets Snapchat find out.',
    }),
    when: z.enum(['always', 'gpc']).default('always').meta({
      title: 'When',
      description: 'For every event, or only where the browser sent Global Privacy Control.',
    }),
  })
  .refine(({ country, state }) => country === 1 || state === 0, {
    error: 'a state needs country 1; for Snapchat to find out, give country 0 and state 0',
  })

export const snapchatSettings = z.strictObject({
  snapPixelId: z
    .string()
    .regex(/^[\w-]{1,64}$/, "the pixel's id, such as 01234567-89ab-cdef-0123-456789abcdef")
    .meta({
      title: 'Snap Pixel id',
      description: 'Events Manager, Manage, Pixel id.',
      examples: ['01234567-89ab-cdef-0123-456789abcdef'],
    }),
  accessToken: z
    .string()
    .min(1)
    .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')
    .meta({
      title: 'Access token',
      description:
        'Business details, Conversions API tokens, made by an administrator of the organisation that owns the pixel.',
      secret: true,
      examples: ['eyJhbGciOi…'],
    }),
  testEventCode: z
    .string()
    .min(1)
    .optional()
    .meta({
      title: 'Test event code',
      description: 'Shows events under Test events. Take it out once everything arrives.',
      examples: ['TEST12345'],
    }),
  validateOnly: z
    .boolean()
    .default(false)
    .meta({
      title: 'Validate only',
      description: 'Snapchat checks every event, says what is wrong with it, and counts none.',
      examples: [true],
    }),
  limitedDataUse: limitedDataUse.optional().meta({
    title: 'Limited Data Use',
    description: 'For visitors under the privacy laws of US states. It does not replace consent in Europe.',
    examples: [{ country: 0, state: 0 }],
  }),
  requestsPerSecond: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .meta({
      title: 'Requests per second',
      description:
        'What Snapchat allows the token: 10, or up to 1000 for a long-lived one made in Business details. All integrations with the same token share it.',
      examples: [100],
    }),
  partnerName: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({
      title: 'Partner name',
      description: "Names the platform that sends, as Snapchat's `integration`.",
      examples: ['sluice'],
    }),
})

export type SnapchatSettings = z.infer<typeof snapchatSettings>
