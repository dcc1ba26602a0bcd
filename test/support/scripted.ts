import type { ServerResponse } from 'node:http'
import { startServer, type TestServer } from './server.ts'

/** The small platform of `destination.ts` as a server, which answers as a test wants it to. */

export interface Received {
  readonly id: string
  readonly name: string
}

export interface ScriptedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Scripted extends TestServer {
  /** The events of every request, in the order in which they were complete here. */
  readonly requests: (readonly Received[])[]
  /** Every request's body, byte for byte. */
  readonly bodies: string[]
  /** What was answered with 200, in order. */
  readonly taken: Received[]
}

/** An answer or a status; a function takes the response into its own hands; without one it is never answered. */
export type Answering = ScriptedAnswer | number | ((response: ServerResponse) => void) | null

export const startScripted = async (
  answer: (events: readonly Received[], nth: number, path: string) => Answering = () => 200,
): Promise<Scripted> => {
  const requests: (readonly Received[])[] = []
  const bodies: string[] = []
  const taken: Received[] = []
  const server = await startServer((request, response, body) => {
    const { events } = JSON.parse(body) as { events: readonly Received[] }
    requests.push(events)
    bodies.push(body)
    const chosen = answer(events, requests.length, request.url ?? '')
    if (chosen === null) return
    if (typeof chosen === 'function') return chosen(response)
    const { status, headers = {}, body: text = '' } = typeof chosen === 'number' ? { status: chosen } : chosen
    if (status === 200) taken.push(...events)
    response.writeHead(status, headers).end(text)
  })
  return { ...server, requests, bodies, taken, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}
