import { z } from 'zod'
import { canonicalName } from '../../event/names.ts'
import { eventIdFault } from './event-id.ts'

const credential = z
  .string()
  .min(1)
  .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')

const eventId = z.string()

const oauthFields = ['consumerKey', 'consumerSecret', 'accessTokenSecret'] as const

export const xSettings = z
  .strictObject({
    pixelId: z
      .string()
      .regex(/^[a-z0-9]{1,20}$/, 'small letters and digits, such as o8z6j')
      .meta({
        title: 'Pixel ID',
        description: 'Events Manager, Event sources.',
        examples: ['o8z6j'],
      }),
    accessToken: z
      .string()
      // Copied together with the word of another scheme.
      .overwrite((text) => text.replace(/^\s*Bearer\s+/i, ''))
      .min(1)
      .regex(/^[\x21-\x7e]+$/, 'without spaces and line breaks')
      .meta({
        title: 'Access token',
        description:
          "The pixel's own: Events Manager, Install pixel, Manual, Conversion API, Generate access token. The bearer token of an app is not taken. With the three keys of OAuth 1.0a: the user's access token.",
        secret: true,
        examples: ['3x4mpl3…'],
      }),
    eventIds: z
      .record(z.string().min(1), eventId)
      .default({})
      .meta({
        title: 'Event ids',
        description:
          'X knows no names: each event is made in Events Manager and has an id. Event types to those ids; events without one are not sent.',
        examples: [{ purchase: 'tw-o8z6j-o87ne', lead: 'tw-o8z6j-o87nf' }],
      }),
    defaultEventId: eventId.optional().meta({
      title: 'Event id of all others',
      description: 'For events that eventIds does not name, such as one of the type Custom.',
      examples: ['tw-o8z6j-o87ng'],
    }),
    gtmEventNames: z
      .boolean()
      .default(false)
      .meta({
        title: 'Names instead of ids',
        description:
          "Events without an id are sent under a name such as gtm_purchase, as X's template for Google Tag Manager does.",
        examples: [true],
      }),
    orderIdAsConversionId: z
      .boolean()
      .default(false)
      .meta({
        title: 'Order number as conversion id',
        description:
          'For purchases, where the X pixel on the page gives the order number as its conversion id: X then counts both as one.',
        examples: [true],
      }),
    matchByAddress: z
      .boolean()
      .default(false)
      .meta({
        title: 'Match by address alone',
        description:
          'Sends events that know no more of a person than an IPv4 address and a user agent. X advises against it.',
        examples: [true],
      }),
    consumerKey: credential.optional().meta({
      title: 'OAuth consumer key',
      description: 'Only for apps approved for the Ads API, which sign instead of using a pixel token.',
      secret: true,
      examples: ['xvz1…'],
    }),
    consumerSecret: credential.optional().meta({
      title: 'OAuth consumer secret',
      description: 'Belongs to the consumer key.',
      secret: true,
      examples: ['kAcS…'],
    }),
    accessTokenSecret: credential.optional().meta({
      title: 'OAuth access token secret',
      description: 'Belongs to the access token of a user who manages the ad account.',
      secret: true,
      examples: ['LswH…'],
    }),
  })
  .superRefine((settings, { addIssue }) => {
    const missing = oauthFields.filter((field) => settings[field] === undefined)
    if (missing.length < oauthFields.length)
      for (const field of missing)
        addIssue({ code: 'custom', path: [field], message: 'OAuth 1.0a needs all three keys, or none' })

    const ids = Object.entries(settings.eventIds).map(([type, id]) => [['eventIds', type], id] as const)
    const rest =
      settings.defaultEventId === undefined ? [] : [[['defaultEventId'], settings.defaultEventId] as const]
    for (const [path, id] of [...ids, ...rest]) {
      const fault = eventIdFault(id, settings.pixelId)
      if (fault !== null) addIssue({ code: 'custom', path: [...path], message: fault })
    }
    for (const names of Map.groupBy(Object.keys(settings.eventIds), canonicalName).values())
      for (const name of names.slice(1))
        addIssue({ code: 'custom', path: ['eventIds', name], message: `the same event as ${names[0]}` })
  })

export type XSettings = z.infer<typeof xSettings>
