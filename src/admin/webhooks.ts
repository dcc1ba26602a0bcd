import { findDestination } from '../destinations/index.ts'
import { randomId, createIntegrations, type IntegrationOptions } from './integrations.ts'
import { integrationBody } from './integration-body.ts'
import { Problem } from './problem.ts'
import { configuredNamed, configuredOf } from './configured.ts'
import { refuseDeep } from './depth.ts'
import { parse } from './parse.ts'
import { ok, type Call, type Route } from './route.ts'
import { siteNamed } from './sites.ts'

/** Webhooks: integrations of one platform, of which a site has many; the same code under addresses of their own. */

const platform = 'webhook'
const base = '/api/v1/sites/:siteId/integrations'

/** The routes of an integration that a webhook has too, by method and end of the path. */
const twins = [
  ['GET', ''],
  ['PUT', ''],
  ['DELETE', ''],
  ['POST', '/test'],
  ['GET', '/logs'],
] as const

const missing = (call: Call): Problem =>
  new Problem(
    'not_found',
    `The site "${call.params['siteId']}" has no webhook "${call.params['webhookId']}".`,
  )

/** `routes` are those of integrations; a webhook's are made from them. */
export const webhookRoutes = (
  options: IntegrationOptions & { readonly routes: readonly Route[] },
): readonly Route[] => {
  const integrations = createIntegrations(options)

  /** By its id alone: `webhook` as a platform's name would mean any of them. */
  const asProvider = (call: Call, end: string): Call => {
    const site = siteNamed(options.sites(), call.params['siteId'])
    const id = call.params['webhookId'] ?? ''
    const known = configuredOf(options, site.id).some((one) => one.id === id)
    // Whether there is a history to show is for the log to say: nobody knows any more of what platform it was.
    if (!known && end === '/logs' && findDestination(id) === null)
      return { ...call, params: { ...call.params, provider: id } }
    if (!known || configuredNamed(options, site.id, id).destination.name !== platform) throw missing(call)
    return { ...call, params: { ...call.params, provider: id } }
  }

  const twinOf = (method: Route['method'], end: string): readonly Route[] => {
    const original = options.routes.find(
      (route) => route.method === method && route.path === `${base}/:provider${end}`,
    )
    if (original === undefined) return []
    return [
      {
        ...original,
        path: `${base}/webhooks/:webhookId${end}`,
        summary: `${original.summary} (of a webhook)`,
        handle: async (call) => original.handle(asProvider(call, end)),
      },
    ]
  }

  return [
    {
      method: 'GET',
      path: `${base}/webhooks`,
      summary: 'Webhooks of a site, secrets masked',
      scope: 'read',
      answers: { 200: 'The webhooks.' },
      handle: async (call) =>
        ok({ webhooks: integrations.list(call, ({ destination }) => destination.name === platform) }),
    },
    {
      method: 'POST',
      path: `${base}/webhooks`,
      summary: 'Make a webhook',
      scope: 'write',
      body: integrationBody,
      answers: { 201: 'Made, and in force.' },
      handle: async (call) => {
        const site = siteNamed(options.sites(), call.params['siteId'])
        refuseDeep(call.body)
        const given = parse(integrationBody, call.body, 'body')
        if (given.platform !== undefined && given.platform !== platform)
          throw new Problem('bad_request', 'body: platform: a webhook is of the platform "webhook"', {
            issues: [{ path: 'platform', message: '"webhook", or nothing' }],
          })
        const id = given.id ?? randomId(platform)
        if (configuredOf(options, site.id).some((one) => one.id === id))
          throw new Problem('conflict', `The site "${site.id}" has an integration "${id}" already.`)
        return integrations.put({
          ...call,
          params: { ...call.params, provider: id },
          body: { ...given, platform },
        })
      },
    },
    ...twins.flatMap(([method, end]) => twinOf(method, end)),
  ]
}
