import { fastify, type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AddressInfo } from 'node:net'
import type { Keys, Grant } from './keys.ts'
import { openApiDocument } from './openapi.ts'
import { Problem, type ProblemCode } from './problem.ts'
import type { Route } from './route.ts'

/** The admin listener: JSON only, one table of routes, one shape of error. */
export interface Admin {
  readonly url: string
  close(): Promise<void>
}

export interface AdminOptions {
  readonly listen: { readonly host: string; readonly port: number }
  readonly routes: readonly Route[]
  readonly keys: Keys
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** An error of ours, with the id that its answer names. */
  readonly onFault: (fault: { readonly requestId: string; readonly error: unknown }) => void
  /** Requests of one key per second, in bursts of twice that; 100. */
  readonly requestsPerSecond?: number
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

/** A second's worth of requests, twice over, for each key; the map holds only keys that exist. */
const createTurnstile = (perSecond: number, now: () => number): ((key: string) => boolean) => {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return (key) => {
    const at = now()
    const bucket = buckets.get(key) ?? { tokens: perSecond * 2, at }
    const tokens = Math.min(perSecond * 2, bucket.tokens + (Math.max(at - bucket.at, 0) / 1000) * perSecond)
    buckets.set(key, { tokens: Math.max(tokens - 1, 0), at })
    return tokens >= 1
  }
}

export const startAdmin = async (options: AdminOptions): Promise<Admin> => {
  const { routes, keys, now, onFault, requestsPerSecond = 100 } = options
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
  const mayPass = createTurnstile(requestsPerSecond, now)

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
  app.setNotFoundHandler((request, reply) =>
    answer(
      reply,
      new Problem('not_found', `There is no ${request.method} ${request.url.split('?')[0] ?? ''}.`),
    ),
  )
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    // Answers hold what only the holder of the key may see.
    reply.header('cache-control', 'no-store')
  })

  const authorise = async (request: FastifyRequest, { scope }: Route): Promise<Grant | null> => {
    if (scope === null) return null
    const token = bearer(request.headers.authorization)
    const grant = token === null ? null : await keys.grantOf(token)
    if (grant === null)
      throw new Problem('unauthorized', 'A valid key is needed: Authorization: Bearer <key>.')
    if (!mayPass(grant.id))
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
  const document = openApiDocument(routes, options.version)
  app.get('/api/v1/openapi.json', async () => document)
  app.decorateRequest('grant', null)

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
