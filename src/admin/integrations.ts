import { randomBytes } from 'node:crypto'
import type { AnyDestination } from '../destinations/destination.ts'
import { destinations, findDestination } from '../destinations/index.ts'
import { NoSealingKey, type ManagedIntegration } from '../sites/managed.ts'
import { auditEntry } from './audit.ts'
import {
  configuredNamed,
  configuredOf,
  configuredShown,
  settingsShown,
  type Configured,
  type ConfiguredOptions,
} from './configured.ts'
import { refuseDeep } from './depth.ts'
import { declarationFrom, integrationBody, type IntegrationBody } from './integration-body.ts'
import { parse } from './parse.ts'
import { checkPrecondition, etagOf, isConditional } from './precondition.ts'
import { Problem } from './problem.ts'
import { ok, type Answer, type Call, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** Integrations: those of the rules file to be seen, those of the API to be made, changed and deleted. */

export interface IntegrationOptions extends ConfiguredOptions {
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
  /** Where integrations are declared, for whoever wants to change one: the path of the rules file. */
  readonly rulesFile: string
}

const maxPerSite = 200
const maxBytes = 256 * 1024
/** Without `If-Match` a change that somebody else's overtook is made again on top of it. */
const maxTries = 5

const idForm = /^[A-Za-z0-9][\w.-]{0,63}$/
/** Routes of their own, which an integration of this name could not be reached beside. */
const reserved: ReadonlySet<string> = new Set(['health', 'webhooks', 'data-layer'])

const reservedProblem = (id: string): Problem =>
  new Problem(
    'bad_request',
    id === 'webhooks'
      ? 'Webhooks are no provider; use POST …/integrations/webhooks and …/integrations/webhooks/:webhookId.'
      : `"${id}" is a route of its own and cannot be the name of an integration.`,
  )

const platformsText = destinations.map(({ name }) => name).join(', ')

/** A new integration's name and platform, from what the address and the body say. */
const newcomer = (
  provider: string,
  platform: string | undefined,
): { readonly id: string; readonly destination: AnyDestination } => {
  const byAddress = findDestination(provider)
  const byBody = platform === undefined ? null : findDestination(platform)
  if (platform !== undefined && byBody === null)
    throw new Problem(
      'bad_request',
      `body: platform: there is no platform "${platform}"; one of ${platformsText}`,
      {
        issues: [{ path: 'platform', message: `one of ${platformsText}` }],
      },
    )
  const destination = byBody ?? byAddress
  if (destination === null)
    throw new Problem(
      'not_found',
      `There is no integration and no platform "${provider}". To make one under this name, say its "platform": one of ${platformsText}.`,
    )
  if (byAddress !== null && byAddress !== destination)
    throw new Problem('bad_request', `body: platform: "${provider}" is a platform itself, and another one`, {
      issues: [{ path: 'platform', message: `"${byAddress.name}", or an address with a name of its own` }],
    })
  const id = byAddress === null ? provider : byAddress.name
  if (reserved.has(id.toLowerCase())) throw reservedProblem(id)
  if (!idForm.test(id))
    throw new Problem(
      'bad_request',
      'An integration is named with letters, digits, ".", "_" and "-", at most 64 of them.',
    )
  return { id, destination }
}

/** A body may repeat the address as its `provider`, or say the platform by that word. */
const platformIn = ({ provider }: IntegrationBody, address: string): string | undefined =>
  provider === address ? undefined : provider

const sameAsAddressed = (
  wish: IntegrationBody,
  { id, destination }: Pick<Configured, 'id' | 'destination'>,
): void => {
  const { provider } = wish
  const wrong =
    provider !== undefined && provider !== id && findDestination(provider) !== destination
      ? { path: 'provider', message: `this is "${id}", of ${destination.name}` }
      : wish.id !== undefined && wish.id !== id
        ? { path: 'id', message: `this is "${id}"; a name is not changed` }
        : wish.platform !== undefined && findDestination(wish.platform) !== destination
          ? { path: 'platform', message: `"${id}" is of ${destination.name}; delete it and make another` }
          : null
  if (wrong !== null)
    throw new Problem('bad_request', `body: ${wrong.path}: ${wrong.message}`, { issues: [wrong] })
}

/** Field by field, as shown: a secret that changed is masked on both sides, so that it did is said apart. */
const changesBetween = (
  before: ManagedIntegration | null,
  after: object,
  secretsChanged: boolean,
): object => {
  const was = before === null ? {} : settingsShown(before)
  const fields = [...new Set([...Object.keys(was), ...Object.keys(after)])]
  const at = (shown: object, field: string): unknown => (shown as Record<string, unknown>)[field] ?? null
  const changed = fields.flatMap((field) =>
    JSON.stringify(at(was, field)) === JSON.stringify(at(after, field))
      ? []
      : [[field, { before: at(was, field), after: at(after, field) }] as const],
  )
  return { changed: Object.fromEntries(changed), ...(secretsChanged ? { secretsChanged } : {}) }
}

export const createIntegrations = (options: IntegrationOptions) => {
  const { managed, sites, now, rulesFile } = options

  const declaredProblem = (id: string, site: string): Problem =>
    new Problem(
      'conflict',
      `The integration "${id}" is declared in ${rulesFile} (site "${site}"), and is changed there.`,
    )

  /** `null`: there is none of this name or platform yet. */
  const find = (site: string, provider: string): Configured | null => {
    try {
      return configuredNamed(options, site, provider)
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_found') return null
      throw error
    }
  }

  const writable = (found: Configured | null, site: string): ManagedIntegration | null => {
    if (found === null || found.kind === 'managed') return found
    throw declaredProblem(found.id, site)
  }

  const answerOf = (site: string, id: string, status: number): Answer => {
    const one = configuredNamed(options, site, id)
    return {
      status,
      headers: {
        ...(one.kind === 'managed' ? { etag: etagOf(one.version) } : {}),
        ...(status === 201
          ? { location: `/api/v1/sites/${encodeURIComponent(site)}/integrations/${encodeURIComponent(id)}` }
          : {}),
      },
      body: configuredShown(one),
    }
  }

  const putOnce = async (call: Call, site: string, provider: string): Promise<Answer | 'conflict'> => {
    const found = find(site, provider)
    const before = writable(found, site)
    const wish = parse(integrationBody, call.body, 'body')
    checkPrecondition(call, before?.version ?? null)
    if (wish.version !== undefined && wish.version !== before?.version)
      throw new Problem(
        'precondition_failed',
        'The version in the body is not the current one. Read it again.',
      )
    const addressed = before ?? newcomer(provider, wish.platform ?? platformIn(wish, provider))
    sameAsAddressed(wish, addressed)
    const { id, destination } = addressed
    if (before === null && configuredOf(options, site).length >= maxPerSite)
      throw new Problem('conflict', `The site "${site}" has ${maxPerSite} integrations. Delete one first.`)

    const declaration = declarationFrom(wish, { id, destination, before })
    if (Buffer.byteLength(JSON.stringify(declaration)) > maxBytes)
      throw new Problem('payload_too_large', `An integration may have ${maxBytes} bytes.`)
    const at = now()
    const after = settingsShown({ id, declaration, destination } as ManagedIntegration)
    const secretsChanged =
      before !== null && JSON.stringify(before.declaration.config) !== JSON.stringify(declaration.config)
    const entry = auditEntry(call, {
      at,
      site,
      action: before === null ? 'integration.created' : 'integration.changed',
      target: id,
      detail: changesBetween(before, after, secretsChanged),
    })
    try {
      const put = await orUnavailable(managed.put(site, declaration, before?.version ?? null, entry))
      return put === 'conflict' ? 'conflict' : answerOf(site, id, before === null ? 201 : 200)
    } catch (error) {
      if (error instanceof NoSealingKey) throw new Problem('conflict', error.message, { cause: error })
      throw error
    }
  }

  const removeOnce = async (call: Call, site: string, provider: string): Promise<Answer | 'conflict'> => {
    const found = configuredNamed(options, site, provider)
    const before = writable(found, site)
    checkPrecondition(call, before?.version ?? null)
    if (before === null) return 'conflict'
    const entry = auditEntry(call, {
      at: now(),
      site,
      action: 'integration.deleted',
      target: before.id,
      detail: { was: settingsShown(before) },
    })
    const removed = await orUnavailable(managed.remove(site, before.id, before.version, entry))
    return removed === 'conflict' ? 'conflict' : { status: 204, body: undefined }
  }

  /** Whoever set a condition is told that it failed; for the others the change is made on top of the newer one. */
  const untilDone = async (call: Call, once: () => Promise<Answer | 'conflict'>): Promise<Answer> => {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const answer = await once()
      if (answer !== 'conflict') return answer
      if (isConditional(call)) break
    }
    throw new Problem(
      isConditional(call) ? 'precondition_failed' : 'conflict',
      'Somebody else changed it at the same moment. Read it again.',
    )
  }

  return {
    list: (call: Call, wanted: (one: Configured) => boolean = () => true): readonly object[] => {
      const site = siteNamed(sites(), call.params['siteId'])
      return configuredOf(options, site.id).filter(wanted).map(configuredShown)
    },
    get: async (call: Call): Promise<Answer> => {
      const site = siteNamed(sites(), call.params['siteId'])
      return answerOf(site.id, call.params['provider'] ?? '', 200)
    },
    put: async (call: Call): Promise<Answer> => {
      const site = siteNamed(sites(), call.params['siteId'])
      const provider = call.params['provider'] ?? ''
      if (reserved.has(provider.toLowerCase())) throw reservedProblem(provider)
      refuseDeep(call.body)
      return untilDone(call, () => putOnce(call, site.id, provider))
    },
    remove: async (call: Call): Promise<Answer> => {
      const site = siteNamed(sites(), call.params['siteId'])
      return untilDone(call, () => removeOnce(call, site.id, call.params['provider'] ?? ''))
    },
  }
}

/** A name for one that nobody named. */
export const randomId = (platform: string): string => `${platform}-${randomBytes(4).toString('hex')}`

const base = '/api/v1/sites/:siteId/integrations'

export const integrationRoutes = (options: IntegrationOptions): readonly Route[] => {
  const integrations = createIntegrations(options)
  return [
    {
      method: 'GET',
      path: base,
      summary: 'Integrations of a site, secrets masked',
      scope: 'read',
      answers: { 200: 'Those of the rules file, then those made here.' },
      handle: async (call) => ok({ integrations: integrations.list(call) }),
    },
    {
      method: 'GET',
      path: `${base}/:provider`,
      summary: 'One integration, secrets masked',
      scope: 'read',
      answers: { 200: 'The integration; its ETag is for If-Match.' },
      handle: integrations.get,
    },
    {
      method: 'PUT',
      path: `${base}/:provider`,
      summary: 'Make an integration, or change it: absent fields stay, null takes one away',
      scope: 'write',
      body: integrationBody,
      answers: { 200: 'Changed, and in force.', 201: 'Made, and in force.' },
      handle: integrations.put,
    },
    {
      method: 'DELETE',
      path: `${base}/:provider`,
      summary:
        'Delete an integration; its history stays, and what waited can be replayed when it is made again',
      scope: 'write',
      answers: { 204: 'Deleted; nothing more is sent, and what waited ends as failed.' },
      handle: integrations.remove,
    },
  ]
}
