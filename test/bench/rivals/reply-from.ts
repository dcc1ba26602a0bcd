import replyFrom from '@fastify/reply-from'
import fastify from 'fastify'

/** @fastify/reply-from over undici, with a pool of the same size as the others. */
const [origin = '', port] = process.argv.slice(2)
const app = fastify()
await app.register(replyFrom, { base: origin, undici: { connections: 256, pipelining: 1 } })
app.all('/*', (request, reply) => reply.from(request.raw.url ?? '/'))
await app.listen({ port: Number(port), host: '127.0.0.1' })
