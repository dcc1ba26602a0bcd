import { z } from 'zod'

export const ga4Settings = z.strictObject({
  measurementId: z
    .string()
    .regex(/^G-[A-Z0-9]{4,12}$/, 'such as G-ABC1234567, of a web data stream')
    .meta({
      title: 'Measurement id',
      description: 'Admin, Data streams, the web stream.',
      examples: ['G-ABC1234567'],
    }),
  apiSecret: z
    .string()
    .min(1)
    .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')
    .meta({
      title: 'API secret',
      description: 'Admin, Data streams, the web stream, Measurement Protocol API secrets.',
      secret: true,
      examples: ['aB3…'],
    }),
  region: z
    .enum(['global', 'eu'])
    .default('global')
    .meta({
      title: 'Region',
      description: 'Where Google receives the events: anywhere, or in the EU.',
      examples: ['eu'],
    }),
  debug: z
    .boolean()
    .default(false)
    .meta({ title: 'Debug view', description: 'Shows the events in DebugView.', examples: [true] }),
  clientIdWithoutCookie: z
    .enum(['derive', 'refuse'])
    .default('derive')
    .meta({
      title: 'Visitors without the _ga cookie',
      description:
        'Send with a client id made for the event, which Google counts as a new user, or do not send.',
      examples: ['refuse'],
    }),
  sendUserData: z
    .boolean()
    .default(true)
    .meta({
      title: 'User-provided data',
      description:
        'Hashed e-mail and phone, where the visitor granted marketing. Google wants the collection of user-provided data switched on.',
      examples: [false],
    }),
  sendUserId: z
    .boolean()
    .default(false)
    .meta({
      title: 'User id',
      description:
        'The external id as it is, as GA4 user_id. It has to be the id that the tag on the page sets.',
      examples: [true],
    }),
  retryAmbiguous: z
    .boolean()
    .default(false)
    .meta({
      title: 'Retry what may have arrived',
      description:
        'GA4 recognises repeats of purchases only. When a connection breaks after other events were written, send them again at the risk of counting twice.',
      examples: [true],
    }),
})

export type Ga4Settings = z.infer<typeof ga4Settings>
