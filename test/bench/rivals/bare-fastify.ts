import { fastify } from 'fastify'

/** What carries our API, with nothing behind it: the body is parsed and thrown away. `node bare-fastify.ts <port>` */
const app = fastify({ bodyLimit: 1024 * 1024 })
app.post('/tracking/ingest', (request, reply) =>
  reply.send({
    processed: (request.body as { readonly events: readonly unknown[] }).events.length,
    errors: [],
  }),
)
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
