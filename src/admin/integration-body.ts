import { z } from 'zod'
import type { AnyDestination } from '../destinations/destination.ts'
import { destinations } from '../destinations/index.ts'
import { flagProblem } from '../sites/flag.ts'
import { integrationSchema, type IntegrationDeclaration } from '../sites/integration.ts'
import type { ManagedIntegration } from '../sites/managed.ts'
import { maskSettings, restoreSecrets } from '../sites/mask.ts'
import { checkConfig, explainedPath, type ConfigIssue } from './config-issues.ts'
import { Problem } from './problem.ts'

/** The body that makes or changes an integration, and the declaration that comes of it. */

const { config, name, status, consent, eventMapping, reverseEventMapping, eventFilters, testMode } =
  integrationSchema.shape
const { lane, batchWindow, rateLimit, routeByClickId, endpoint } = integrationSchema.shape

/** `null` takes a field away; an absent one stays as it is. */
const settable = {
  name: name.nullable(),
  consent: consent.nullable(),
  eventMapping: eventMapping.nullable(),
  reverseEventMapping: reverseEventMapping.nullable(),
  eventFilters: eventFilters.nullable(),
  testMode: testMode.nullable(),
  lane: lane.nullable(),
  batchWindow: batchWindow.nullable(),
  rateLimit: rateLimit.nullable(),
  routeByClickId: routeByClickId.nullable(),
  endpoint: endpoint.nullable(),
}

const asAnswered = z
  .unknown()
  .optional()
  .meta({ description: 'As a GET answers it, so that its answer can be sent back; changes nothing.' })

export const integrationBody = z
  .strictObject({
    id: z.string().optional().meta({ description: 'The name in the address; may be left out.' }),
    platform: z.string().optional().meta({ description: 'Needed where the address names no platform.' }),
    provider: z
      .string()
      .optional()
      .meta({ description: 'As in the address, or another word for platform; may be left out.' }),
    enabled: z.boolean().optional().meta({ description: 'false: paused.' }),
    status,
    config: config.optional().meta({
      description:
        "The platform's own settings, replaced as a whole. A secret that comes back masked stays what it is.",
    }),
    ...settable,
    version: z
      .number()
      .optional()
      .meta({ description: 'As answered; another one than the current is refused.' }),
    managedBy: asAnswered,
    changedAt: asAnswered,
    problem: asAnswered,
  })
  .meta({ description: 'Absent fields stay as they are; null takes one away.' })
export type IntegrationBody = z.infer<typeof integrationBody>

const statusOf = ({ enabled, status: wanted }: IntegrationBody): IntegrationDeclaration['status'] => {
  if (enabled === undefined) return wanted
  const said = enabled ? 'active' : 'paused'
  if (wanted !== undefined && wanted !== said)
    throw new Problem('bad_request', `body: enabled and status contradict each other`, {
      issues: [{ path: 'status', message: `"enabled": ${enabled} means "${said}"` }],
    })
  return said
}

const settableNames = Object.keys(settable) as readonly (keyof typeof settable)[]

const fieldsOf = (
  before: IntegrationDeclaration | null,
  wish: IntegrationBody,
): Partial<IntegrationDeclaration> => {
  const entries = settableNames.flatMap((field) => {
    const value = wish[field] === undefined ? before?.[field] : wish[field]
    return value === undefined || value === null ? [] : [[field, value] as const]
  })
  const wanted = statusOf(wish) ?? before?.status
  return { ...Object.fromEntries(entries), ...(wanted === undefined ? {} : { status: wanted }) }
}

const platforms = Object.fromEntries(destinations.map((one) => [one.name, one]))

const checkWhenDenied = (
  { name }: AnyDestination,
  { consent }: Pick<IntegrationDeclaration, 'consent'>,
): readonly ConfigIssue[] => {
  const problem = consent?.whenDenied === 'flag' ? flagProblem(name, platforms) : null
  return problem === null ? [] : [{ path: 'consent.whenDenied', message: problem }]
}

/** Where requests, and with them the secrets, go: an override, and a webhook's own address. */
const addressOf = ({ endpoint: override, config: settings }: IntegrationDeclaration): string =>
  JSON.stringify([override ?? null, settings['url'] ?? null])

const missingSecret = (moved: boolean): string =>
  moved
    ? 'give the secret again: the address that it is sent to is another one'
    : '"***" is how a secret is shown; here give the secret itself'

/**
 * What is to be stored. A masked secret is filled in from what is stored, but never when the address changes: whoever may
 * change an address but has never seen the secret would only have to send it home.
 *
 * @throws Problem `bad_request` with an issue per field.
 */
export const declarationFrom = (
  wish: IntegrationBody,
  {
    id,
    destination,
    before,
  }: {
    readonly id: string
    readonly destination: AnyDestination
    readonly before: ManagedIntegration | null
  },
): IntegrationDeclaration => {
  const stored = before?.declaration ?? null
  if (stored === null && wish.config === undefined)
    throw new Problem('bad_request', 'body: config: the key "config" is missing', {
      issues: [{ path: 'config', message: `needed to make an integration of ${destination.title}` }],
    })
  const fields = fieldsOf(stored, wish)
  const given =
    wish.config ?? (maskSettings(destination.settings, stored?.config ?? {}) as Record<string, unknown>)
  const declaration = { id, platform: destination.name, ...fields, config: given }
  const moved = stored !== null && addressOf(declaration) !== addressOf(stored)
  const restored = restoreSecrets(destination.settings, given, moved ? null : (stored?.config ?? null))
  const issues: readonly ConfigIssue[] = [
    ...restored.missing.map((path) => ({ path: explainedPath(path), message: missingSecret(moved) })),
    ...checkConfig(destination, restored.settings),
    ...checkWhenDenied(destination, declaration),
  ]
  const [first] = issues
  if (first !== undefined)
    throw new Problem('bad_request', `body: ${first.path}: ${first.message}`, { issues })
  return { ...declaration, config: restored.settings as Record<string, unknown> }
}
