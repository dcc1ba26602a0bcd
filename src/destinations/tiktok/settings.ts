import { z } from 'zod'
import { isCurrency } from '../../event/money.ts'

export const tiktokSettings = z.strictObject({
  pixelCode: z
    .string()
    .regex(/^[\w-]{1,64}$/, "the pixel's code, letters and digits without spaces")
    .meta({
      title: 'Pixel code',
      description: 'Events Manager, the pixel, its details.',
      examples: ['C0EXAMPLE77U8PIXEL0'],
    }),
  accessToken: z
    .string()
    .min(1)
    .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')
    .meta({
      title: 'Access token',
      description: 'Events Manager, the pixel, Settings, Generate access token.',
      secret: true,
      examples: ['1a2b3c…'],
    }),
  testEventCode: z
    .string()
    .min(1)
    .optional()
    .meta({
      title: 'Test event code',
      description:
        'Shows events under Test events. TikTok counts none of them, so take it out before going live.',
      examples: ['TEST12345'],
    }),
  limitedDataUse: z
    .enum(['always', 'gpc'])
    .optional()
    .meta({
      title: 'Limited Data Use',
      description:
        'For every event, or only where the browser sent Global Privacy Control. TikTok heeds it in eligible states of the USA; it does not replace consent in Europe.',
      examples: ['gpc'],
    }),
  sendLocation: z
    .boolean()
    .default(false)
    .meta({
      title: 'City, state and country',
      description:
        'TikTok takes these three in the clear only, so they stay here unless this is on. Until they are sent they lie sealed, which needs SLUICE_SECRET_KEY.',
      examples: [true],
    }),
  externalIdCase: z
    .enum(['keep', 'lower'])
    .default('keep')
    .meta({
      title: 'Case of external ids',
      description: 'Hashed as they are written, or in lower case: as the pixel on the page does it.',
      examples: ['lower'],
    }),
  furtherCurrencies: z
    .array(z.string().refine(isCurrency, { error: 'an ISO 4217 code in capitals, such as RSD' }))
    .optional()
    .meta({
      title: 'Further currencies',
      description: 'Currencies that TikTok has come to take since its list of 2026 was copied.',
      examples: [['RSD']],
    }),
  partnerName: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({ title: 'Partner name', description: 'Names the platform that sends.', examples: ['sluice'] }),
})

export type TiktokSettings = z.infer<typeof tiktokSettings>
