import { z } from 'zod'

/** A site's data layer settings: what the gateway would write into its pages, and read from them. */

const name = z.string().min(1).max(100)

/** It will stand in a script of the page, so it is a plain name and nothing that could be more. */
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

export const dataLayerSchema = z.strictObject({
  enabled: z.boolean().default(false).meta({ title: 'Enabled' }),
  variableName: variable
    .default('dataLayer')
    .meta({ title: 'Variable', description: "The page's own data layer.", examples: ['dataLayer'] }),
  externalDataLayerName: variable
    .nullable()
    .default(null)
    .meta({
      title: 'External data layer',
      description: 'Another one that is followed besides; null for none.',
      examples: ['digitalData'],
    }),
  eventMapping: mapping
    .default({})
    .meta({ title: 'Event mapping', description: 'Event types to the names pushed.' }),
  reverseEventMapping: mapping
    .default({})
    .meta({ title: 'Reverse event mapping', description: 'Names found in the data layer to event types.' }),
})
export type DataLayerSettings = z.infer<typeof dataLayerSchema>
