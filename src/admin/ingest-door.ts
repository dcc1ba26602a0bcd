import type { FastifyInstance } from 'fastify'
import type { Readable } from 'node:stream'
import { ingestRoutes } from './ingest-route.ts'
import type { IngestOptions } from './ingest.ts'
import { createDesk, type DeskOptions } from './server.ts'

/**
 * Ingest without the admin listener: for requests that came another way, to the host of a site. The same desk, the same
 * row and the same keys; only the site is given, so that a key of another site finds nothing here.
 */
export interface IngestDoor {
  /** Rejects, or answers what nobody will hear, when the body breaks off: nothing of it is taken. */
  answer(request: DoorRequest): Promise<DoorAnswer>
  close(): Promise<void>
}

export interface DoorRequest {
  readonly site: string
  readonly method: string
  /** Name, value, … as they came. */
  readonly rawHeaders: readonly string[]
  /** Read when the key has been found good, as fast as it is taken in; `null`: there is none. */
  readonly body: Readable | null
}

export interface DoorAnswer {
  readonly status: number
  /** Name, value, …, those of the connection left out. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** The rest of the body is not going to be read: nothing can follow on the same connection. */
  readonly last: boolean
}

const served = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** Of the connection, which is not ours. */
const dropped: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date'])

/** Repeated fields as lists, which are then joined as Node joins them. */
const headersOf = (
  rawHeaders: readonly string[],
  framed: boolean,
): Readonly<Record<string, string | string[]>> => {
  const values = new Map<string, string[]>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    values.set(name, [...(values.get(name) ?? []), rawHeaders[index + 1] ?? ''])
  }
  // Where neither a length nor a coding says so (HTTP/2), that there is a body must be said.
  if (framed && !values.has('content-length')) values.set('transfer-encoding', ['chunked'])
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? (all[0] ?? '') : all]))
}

export const createIngestDoor = (options: IngestOptions & Omit<DeskOptions, 'routes'>): IngestDoor => {
  let desk: Promise<FastifyInstance> | null = null
  const open = async (): Promise<FastifyInstance> => {
    const app = createDesk({ ...options, routes: ingestRoutes(options, 'one site') })
    await app.ready()
    return app
  }

  return {
    answer: async ({ site, method, rawHeaders, body }) => {
      // It may break off before anybody listens, and an error that nobody hears ends the process.
      body?.on('error', () => {})
      // Few gateways have such a door; who has none pays nothing for it.
      const app = await (desk ??= open())
      if (body?.destroyed === true) throw body.errored ?? new Error('the body broke off')
      const answer = await app.inject({
        // Methods that the desk has never heard of are refused as one that it knows is.
        method: served.find((one) => one === method) ?? 'PUT',
        url: `/${encodeURIComponent(site)}/tracking/ingest`,
        headers: headersOf(rawHeaders, body !== null),
        ...(body === null ? {} : { payload: body }),
      })
      return {
        status: answer.statusCode,
        rawHeaders: Object.entries(answer.headers).flatMap(([name, value]) =>
          value === undefined || dropped.has(name) ? [] : [name, String(value)],
        ),
        body: answer.payload,
        last: answer.headers['connection'] === 'close',
      }
    },
    close: async () => {
      const app = await desk
      await app?.close()
    },
  }
}
