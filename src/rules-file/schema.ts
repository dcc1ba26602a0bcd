import { z } from 'zod'
import { trafficFields } from '../capture/rules.ts'
import type { SiteTraffic } from '../capture/rules.ts'
import type { FlaggedForm } from '../destinations/flagged.ts'
import type { ConsentCategory } from '../event/consent.ts'
import { dataLayerSchema } from '../sites/data-layer.ts'
import type { DataLayerSettings } from '../sites/data-layer.ts'
import { integrationSchema } from '../sites/integration.ts'
import type { IntegrationDeclaration } from '../sites/integration.ts'

export const siteSchema = z
  .strictObject({
    ...trafficFields,
    dataLayer: dataLayerSchema.optional(),
    integrations: z
      .array(integrationSchema)
      .meta({ title: 'Integrations', description: 'Where the events of this site go.' })
      .optional(),
  })
  .meta({ title: 'Site', description: 'Hosts, their origin, the rules and the integrations.' })

export const acmeSchema = z
  .strictObject({
    email: z
      .email({ error: 'must be an e-mail address' })
      .meta({ title: 'E-mail', description: 'Where the authority may write to its customer.' })
      .optional(),
    directory: z
      .string()
      .refine((text) => URL.parse(text)?.protocol === 'https:', { error: 'must be an https:// address' })
      .meta({
        title: 'Directory',
        description: "The authority's ACME directory; Let's Encrypt when absent.",
        examples: ['https://acme-v02.api.letsencrypt.org/directory'],
      })
      .optional(),
    ca: z
      .string()
      .min(1)
      .meta({
        title: 'CA',
        description:
          'A PEM file with the root that the directory itself is known by, where it is a private one.',
      })
      .optional(),
  })
  .meta({
    title: 'ACME',
    description:
      'Who issues certificates for sites with "tls": "acme". To use it is to agree to the terms of that authority.',
  })
export type AcmeSettings = z.infer<typeof acmeSchema>

/** The whole rules file. */
export const rulesFileSchema = z
  .strictObject({
    $schema: z
      .string()
      .meta({ title: 'Schema', description: 'For editors: ./rules.schema.json.' })
      .optional(),
    acme: acmeSchema.optional(),
    sites: z.array(siteSchema).min(1).meta({ title: 'Sites', description: 'The sites of this gateway.' }),
  })
  .meta({ title: 'Sluice rules', description: 'What the gateway serves, watches for and delivers.' })
/** As it is written: what has a default may be left out. */
export type RulesFile = z.input<typeof rulesFileSchema>
/** As it is understood. */
export type RulesRead = z.output<typeof rulesFileSchema>

/** What the file may name as a platform, and the form of its `config`. */
export type Platforms = Readonly<Record<string, Platform>>

export interface Platform {
  readonly aliases: readonly string[]
  readonly settings: z.ZodType
  /** What it asks for unless the integration says otherwise. */
  readonly consent?: ConsentCategory
  /** Absent: it has no form for events of visitors who refused. */
  readonly flagged?: FlaggedForm | undefined
}

/** An integration ready for use. */
export interface LoadedIntegration {
  /** As declared, secrets still references. */
  readonly declaration: IntegrationDeclaration
  /** The platform's own name, where the declaration may hold an alias. */
  readonly platform: string
  /** `config` by the platform's schema, secrets resolved: never to be shown or logged. */
  readonly settings: unknown
}

export interface LoadedSite {
  readonly traffic: SiteTraffic
  /** `null`: not declared, so the API's hold. */
  readonly dataLayer: DataLayerSettings | null
  readonly integrations: readonly LoadedIntegration[]
}
