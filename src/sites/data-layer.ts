import { z } from 'zod'

/** A site's data layer settings: what the gateway tells the pages of the site of their own events. */

const name = z.string().min(1).max(100)

/** It stands in a script of the page, so it is a plain name and nothing that could be more. */
const variable = z
  .string()
  .max(64)
  .regex(/^[A-Za-z_$][\w$]*$/, 'the name of a JavaScript variable: letters, digits, "_" and "$"')
  .refine((text) => !/^(?:__proto__|constructor|prototype)$/.test(text), {
    error: 'a name of JavaScript itself',
  })

const mapping = z.record(name, name).refine((given) => Object.keys(given).length <= 200, {
  error: 'at most 200 entries',
})

export const dataLayerSchema = z
  .strictObject({
    enabled: z.boolean().default(false).meta({
      title: 'Enabled',
      description:
        'A script at the end of a page that fires pushes each event with its id, value and currency, so that the pixel of the page can send the same id.',
    }),
    variableName: variable
      .default('dataLayer')
      .meta({ title: 'Variable', description: "The page's own data layer.", examples: ['dataLayer'] }),
    externalDataLayerName: variable
      .nullable()
      .default(null)
      .meta({
        title: 'External data layer',
        description: 'Another one that gets the same pushes; null for none.',
        examples: ['digitalData'],
      }),
    eventMapping: mapping.default({}).meta({
      title: 'Event mapping',
      description: 'Event types to the names pushed; a type without one is pushed under its own.',
      examples: [{ purchase: 'sluice_purchase' }],
    }),
    reverseEventMapping: mapping.default({}).meta({
      title: 'Reverse event mapping',
      description:
        'Names of the data layer to event types. Kept for tools that read these settings; events come from rules, so the gateway does not act on it.',
    }),
    serverTiming: z.boolean().default(false).meta({
      title: 'Server-Timing',
      description:
        'Offers event ids in the Server-Timing header of the page, where they are known before it: no byte of the page changes.',
    }),
  })
  .meta({
    title: 'Data layer',
    description: 'What pages that fire are told of their events: one event id for browser and server.',
  })
export type DataLayerSettings = z.infer<typeof dataLayerSchema>

/** What holds where nobody has said anything: nothing is told. */
export const defaultDataLayer: DataLayerSettings = dataLayerSchema.parse({})
