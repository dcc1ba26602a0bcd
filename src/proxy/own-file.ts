import { loader } from '../capture/data-layer/script.ts'
import type { Client } from './client.ts'

/** The one file that the gateway serves on every host: what a page's script is where its policy permits no inline one. */
export interface OwnFile {
  readonly type: string
  readonly body: string
}

const loaderFile: OwnFile = { type: 'text/javascript; charset=utf-8', body: loader.code }

/** `null`, nearly always: the request is the origin's. */
export const ownFile = (method: string, target: string): OwnFile | null =>
  target === loader.path && (method === 'GET' || method === 'HEAD') ? loaderFile : null

/** Its path changes with its content, so it may be kept for ever. */
export const sendFile = (client: Client, { type, body }: OwnFile): void => {
  const headers = ['Content-Type', type, 'Content-Length', String(Buffer.byteLength(body))]
  const cache = ['Cache-Control', 'public, max-age=31536000, immutable']
  client.say(200, [...headers, ...cache, 'X-Content-Type-Options', 'nosniff'], body)
}
