import { z } from 'zod'
import { consentCategories } from '../event/consent.ts'

/** One site's configured use of a destination: the same shape in the rules file, in the API and in the console. */

const nonEmpty = z.string().min(1)

/** Where a secret lies; never the secret itself unless somebody insists. */
export const secretReferenceSchema = z
  .union([z.strictObject({ $env: nonEmpty }), z.strictObject({ $file: nonEmpty })])
  .meta({ title: 'Secret', description: 'Read from an environment variable, or from a file.' })

const scalar = z.union([z.string(), z.number(), z.boolean()])

export const conditionSchema = z
  .strictObject({
    field: nonEmpty.meta({
      title: 'Field',
      description: 'Such as value, currency, orderId, contentIds, page.url, type, or properties.plan.',
    }),
    operator: z
      .enum(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'contains', 'exists', 'matches'])
      .meta({ title: 'Operator', description: 'matches takes a text in which * stands for anything.' }),
    value: z
      .union([scalar, z.array(scalar)])
      .optional()
      .meta({ title: 'Value', description: 'A list for in and nin; may be absent for exists.' }),
  })
  .meta({ title: 'Condition', description: 'What must hold of an event.' })
export type Condition = z.infer<typeof conditionSchema>

const consentSchema = z
  .strictObject({
    required: z
      .boolean()
      .optional()
      .meta({ title: 'Required', description: 'Only with an outright grant; true when absent.' }),
    category: z.enum(consentCategories).optional().meta({
      title: 'Category',
      description: "What must be granted; the platform's usual one when absent.",
    }),
    whenDenied: z
      .enum(['drop', 'flag'])
      .optional()
      .meta({
        title: 'When denied',
        description:
          "drop: the event is shown as consent_denied, nothing is sent. flag: an outright refusal is sent in the form that the platform has for it (meta, tiktok and snapchat: limited data use; google_ads and ga4: Consent Mode, all denied), without the person's identifiers. Without any signal nothing is sent either way. drop when absent.",
        examples: ['drop'],
      }),
  })
  .refine(({ required, whenDenied }) => required !== false || whenDenied !== 'flag', {
    path: ['whenDenied'],
    error: '"flag" says what a refusal does, and with "required": false a refusal does nothing',
  })
  .meta({ title: 'Consent', description: "Required, in the platform's usual category, when absent." })

const filterSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .optional()
      .meta({ title: 'Enabled', description: 'false keeps all events of the type back.' }),
    conditions: z
      .array(conditionSchema)
      .optional()
      .meta({ title: 'Conditions', description: 'All of them must hold.' }),
  })
  .meta({ title: 'Filter', description: 'Which events of a type go to this integration.' })

const rateLimitSchema = z
  .strictObject({
    eventsPerSecond: z
      .number()
      .positive()
      .optional()
      .meta({ title: 'Events per second', description: "The platform's usual rate when absent." }),
    batchSize: z.int().positive().optional().meta({
      title: 'Batch size',
      description: 'Events per request; never more than the platform takes, nor than may go in a second.',
    }),
    lifted: z
      .boolean()
      .optional()
      .meta({ title: 'Lifted', description: 'No limit at all, for receivers of your own.' }),
  })
  .meta({
    title: 'Rate limit',
    description:
      "In place of the platform's usual limits. Integrations with the same credential share one limit, the lowest of theirs.",
  })

export const integrationSchema = z
  .strictObject({
    id: nonEmpty
      .max(64)
      .regex(/^[\w.-]+$/, 'letters, digits, ".", "_" and "-"')
      .meta({ title: 'Id', description: 'Its name in targets and in the journal.', examples: ['meta'] }),
    platform: nonEmpty.meta({
      title: 'Platform',
      description: 'Where its events go.',
      examples: ['meta', 'ga4', 'webhook'],
    }),
    name: z.string().optional().meta({ title: 'Name', description: 'For people.' }),
    status: z
      .enum(['active', 'paused'])
      .optional()
      .meta({ title: 'Status', description: 'A paused integration gets no new events; active when absent.' }),
    config: z
      .record(z.string(), z.unknown())
      .meta({ title: 'Config', description: "The platform's own settings." }),
    consent: consentSchema.optional(),
    eventMapping: z
      .record(nonEmpty, nonEmpty)
      .optional()
      .meta({ title: 'Event mapping', description: "Event types to the platform's names." }),
    reverseEventMapping: z.record(nonEmpty, nonEmpty).optional().meta({
      title: 'Reverse event mapping',
      description: 'Names as rules or senders write them to the event types they mean here.',
    }),
    eventFilters: z
      .record(nonEmpty, filterSchema)
      .optional()
      .meta({ title: 'Event filters', description: 'Per event type, which of its events to send.' }),
    testMode: z
      .boolean()
      .optional()
      .meta({ title: 'Test mode', description: 'Log what would be sent; send nothing.' }),
    lane: z
      .enum(['auto', 'realtime', 'batch'])
      .optional()
      .meta({ title: 'Lane', description: 'auto: orders and leads at once, views gathered.' }),
    batchWindow: z.number().min(0).max(3600).optional().meta({
      title: 'Batch window',
      description: 'Seconds that batch events may be gathered; 60 when absent.',
    }),
    rateLimit: rateLimitSchema.optional(),
    routeByClickId: z.boolean().optional().meta({
      title: 'Route by click id',
      description:
        "true: an event that carries click ids goes here only when one of them is this platform's own; one that carries none goes everywhere. No effect on platforms without click ids.",
    }),
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
  .meta({ title: 'Integration', description: "The site's use of a platform." })
export type IntegrationDeclaration = z.infer<typeof integrationSchema>
