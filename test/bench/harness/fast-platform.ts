import { createServer } from 'node:http'

/**
 * A platform that takes Meta's requests as fast as they come: it looks at no event, counts them by their ids and remembers
 * when the marked ones arrived. `node fast-platform.ts <port>`; GET answers what it has seen.
 */

export interface Seen {
  readonly events: number
  readonly requests: number
  /** By id, milliseconds since the epoch. */
  readonly marked: Readonly<Record<string, number>>
}

export const mark = 'marked-'

const idField = Buffer.from('"event_id":"')
const markedField = Buffer.from(`"event_id":"${mark}`)

const countIn = (body: Buffer): number => {
  let count = 0
  for (let at = body.indexOf(idField); at >= 0; at = body.indexOf(idField, at + idField.length)) count += 1
  return count
}

const marked: Record<string, number> = {}
let events = 0
let requests = 0

const take = (body: Buffer): void => {
  requests += 1
  events += countIn(body)
  for (let at = body.indexOf(markedField); at >= 0; at = body.indexOf(markedField, at + 1)) {
    const from = at + idField.length
    marked[body.toString('latin1', from, body.indexOf(0x22, from))] = Date.now()
  }
}

/** More than any request holds, so that nothing has to be counted before the answer. */
const taken = JSON.stringify({ events_received: 1_000_000, messages: [], fbtrace_id: 'AbCdEfGhIjK' })

if (import.meta.main)
  createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const isQuestion = request.method === 'GET'
      if (!isQuestion) take(Buffer.concat(chunks))
      const body = isQuestion ? JSON.stringify({ events, requests, marked } satisfies Seen) : taken
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
  }).listen(Number(process.argv[2]), '127.0.0.1')
