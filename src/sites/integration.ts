import { z } from 'zod'
import { consentCategories } from '../event/consent.ts'

/** One site's configured use of a destination: the same shape in the rules file, in the API and in the console. */

const nonEmpty = z.string().min(1)

/** Where a secret lies; never the secret itself unless somebody insists. */
export const secretReferenceSchema = z
  .union([z.strictObject({ $env: nonEmpty }), z.strictObject({ $file: nonEmpty })])
  .meta({ title: 'Secret', description: 'Read from an environment variable, or from a file.' })

const scalar = z.union([z.string(), z.number(), z.boolean()])

export const conditionSchema = z.strictObject({
  field: nonEmpty.meta({
    description: 'Such as value, currency, orderId, contentIds, page.url, type, or properties.plan.',
  }),
  operator: z.enum(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'contains', 'exists', 'matches']),
  value: z.union([scalar, z.array(scalar)]).optional(),
})
export type Condition = z.infer<typeof conditionSchema>

export const integrationSchema = z
  .strictObject({
    id: nonEmpty.max(64).regex(/^[\w.-]+$/, 'letters, digits, ".", "_" and "-"'),
    platform: nonEmpty.meta({ title: 'Platform', examples: ['meta', 'ga4', 'webhook'] }),
    name: z.string().optional(),
    status: z.enum(['active', 'paused']).optional(),
    config: z
      .record(z.string(), z.unknown())
      .meta({ title: 'Config', description: "The platform's own settings." }),
    consent: z
      .strictObject({
        required: z.boolean().optional(),
        category: z.enum(consentCategories).optional(),
        whenDenied: z.enum(['drop']).optional(),
      })
      .optional()
      .meta({ title: 'Consent', description: "Required, in the platform's usual category, when absent." }),
    eventMapping: z
      .record(nonEmpty, nonEmpty)
      .optional()
      .meta({ title: 'Event mapping', description: "Event types to the platform's names." }),
    reverseEventMapping: z.record(nonEmpty, nonEmpty).optional(),
    eventFilters: z
      .record(
        nonEmpty,
        z.strictObject({ enabled: z.boolean().optional(), conditions: z.array(conditionSchema).optional() }),
      )
      .optional(),
    testMode: z
      .boolean()
      .optional()
      .meta({ title: 'Test mode', description: 'Log what would be sent; send nothing.' }),
    lane: z.enum(['auto', 'realtime', 'batch']).optional(),
    batchWindow: z.number().min(0).max(3600).optional().meta({
      title: 'Batch window',
      description: 'Seconds that batch events may be gathered; 60 when absent.',
    }),
    rateLimit: z
      .strictObject({
        eventsPerSecond: z.number().positive().optional(),
        batchSize: z.int().positive().optional(),
        lifted: z.boolean().optional(),
      })
      .optional(),
    endpoint: z
      .string()
      .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), {
        error: 'an http:// or https:// address',
      })
      .optional()
      .meta({
        title: 'Endpoint',
        description: "Base address in the platform's place, for tests and proxies.",
      }),
  })
  .meta({ title: 'Integration' })
export type IntegrationDeclaration = z.infer<typeof integrationSchema>
