import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { AddressInfo } from 'node:net'
import type { Keys, Grant } from './keys.ts'
import { openApiDocument } from './openapi.ts'
import { Problem, type ProblemCode } from './problem.ts'
import type { Route } from './route.ts'
import type { Turnstile } from './turnstile.ts'

/** The admin listener: JSON only, one table of routes, one shape of error. */
export interface Admin {
  readonly url: string
  close(): Promise<void>
}

export interface AdminOptions extends DeskOptions {
  readonly listen: { readonly host: string; readonly port: number }
  readonly version: string
}

export interface DeskOptions {
  readonly routes: readonly Route[]
  readonly keys: Keys
  /** One for all doors that take the same keys. */
  readonly turnstile: Turnstile
  /** An error of ours, with the id that its answer names. */
  readonly onFault: (fault: { readonly requestId: string; readonly error: unknown }) => void
}

const bodyLimit = 1024 * 1024

const codeOfStatus: Readonly<Record<number, ProblemCode>> = {
  404: 'not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
}

/** Whatever was thrown, as the public shape. What is not ours to explain is `internal`, with an id to look for in the log. */
const problemOf = (error: FastifyError | Problem, requestId: string): Problem => {
  if (error instanceof Problem) return error
  const status = error.statusCode ?? 500
  if (status >= 500)
    return new Problem('internal', `Something went wrong on our side (request ${requestId}).`)
  const code = codeOfStatus[status] ?? 'bad_request'
  const words =
    code === 'payload_too_large'
      ? `The body is too large. Maximum ${bodyLimit} bytes.`
      : code === 'unsupported_media_type'
        ? 'The body must be JSON, with Content-Type: application/json.'
        : 'The body is no valid JSON.'
  return new Problem(code, words, { cause: error })
}

const bearer = (header: string | undefined): string | null =>
  /^Bearer +(\S+)\s*$/i.exec(header ?? '')?.[1] ?? null

/**
 * Which methods an address has, for whoever asks or has used another; `null`: there is no such address. Nothing here ever
 * allows a page of another origin anything: keys belong in back ends, not in browsers.
 */
const createAllowed = (routes: readonly Route[]): ((path: string) => string | null) => {
  const rows = routes.map(({ method, path }) => ({
    method,
    form: new RegExp(`^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}/?$`),
  }))
  return (path) => {
    const methods = new Set<string>(rows.flatMap(({ method, form }) => (form.test(path) ? [method] : [])))
    return methods.size === 0 ? null : [...methods, 'OPTIONS'].join(', ')
  }
}

/** What serves the routes, whoever brings the requests: keys, limits, the shape of answers and of errors. */
export const createDesk = ({ routes, keys, turnstile, onFault }: DeskOptions): FastifyInstance => {
  const app = fastify({
    bodyLimit,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 65_000,
    genReqId: () => crypto.randomUUID(),
    // A body is read by zod, which copies what it knows; the parser still refuses names that would poison an object.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: true },
  })

  const answer = (reply: FastifyReply, problem: Problem): FastifyReply => {
    if (problem.retryAfterSeconds !== null) reply.header('retry-after', String(problem.retryAfterSeconds))
    if (problem.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
    return reply.code(problem.status).send(problem.toJSON())
  }

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error, request.id)
    if (problem.status >= 500) onFault({ requestId: request.id, error: problem.cause ?? error })
    return answer(reply, problem)
  })
  const allowed = createAllowed(routes)
  const pathOf = ({ url }: FastifyRequest): string => url.split('?')[0] ?? ''
  app.setNotFoundHandler((request) => {
    throw new Problem('not_found', `There is no ${request.method} ${pathOf(request)}.`)
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    // Answers hold what only the holder of the key may see.
    reply.header('cache-control', 'no-store')
    const methods = request.is404 ? allowed(pathOf(request)) : null
    if (methods === null) return
    reply.header('allow', methods)
    if (request.method === 'OPTIONS') return reply.code(204).send()
    throw new Problem('method_not_allowed', `${request.method} is not served here; ${methods} are.`)
  })

  const authorise = async (request: FastifyRequest, { scope }: Route): Promise<Grant | null> => {
    if (scope === null) return null
    const token = bearer(request.headers.authorization)
    const grant = token === null ? null : await keys.grantOf(token)
    if (grant === null)
      throw new Problem('unauthorized', 'A valid key is needed: Authorization: Bearer <key>.')
    if (!turnstile.mayPass(grant.id, scope === 'ingest' ? 'ingest' : 'management'))
      throw new Problem('too_many_requests', 'Too many requests with this key.', { retryAfterSeconds: 1 })
    if (!grant.scopes.has(scope))
      throw new Problem('forbidden', `This key may not do that; it needs the scope "${scope}".`)
    const { siteId } = request.params as { readonly siteId?: string }
    // A stranger's site is answered as one that does not exist: a key must not be good for finding out which do.
    if (siteId !== undefined && grant.site !== null && grant.site !== siteId)
      throw new Problem('not_found', `There is no site "${siteId}".`)
    return grant
  }

  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      // Before the body is read: who has no key does not get to send a mebibyte.
      onRequest: async (request) => {
        request.grant = await authorise(request, route)
      },
      handler: async (request, reply) => {
        const {
          status,
          body,
          headers = {},
        } = await route.handle({
          params: request.params as Readonly<Record<string, string>>,
          query: request.query,
          body: request.body,
          header: (name) => {
            const value = request.headers[name]
            return Array.isArray(value) ? value[0] : value
          },
          grant: request.grant,
        })
        return reply.code(status).headers(headers).send(body)
      },
    })
  }
  app.decorateRequest('grant', null)
  return app
}

export const startAdmin = async (options: AdminOptions): Promise<Admin> => {
  const app = createDesk(options)
  const document = openApiDocument(options.routes, options.version)
  app.get('/api/v1/openapi.json', async () => document)

  await app.listen({ host: options.listen.host, port: options.listen.port })
  const { address, family, port } = app.server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () => app.close(),
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    grant: Grant | null
  }
}
