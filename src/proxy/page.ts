import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Client } from './client.ts'

/** The few words the gateway says itself. They tell the visitor what to do and nothing of what stands behind. */

const words: Readonly<Record<number, string>> = {
  400: 'The request could not be understood.',
  403: 'This is served over an encrypted connection only.',
  405: 'This method is not served here.',
  408: 'The request took too long.',
  413: 'The request is too large.',
  421: 'No site of this name is served here.',
  431: 'The request headers are too large.',
  501: 'This is not supported here.',
  502: 'The site could not be reached. Please try again in a moment.',
  503: 'The site is busy. Please try again in a moment.',
  504: 'The site took too long to answer. Please try again in a moment.',
  508: 'The request came back to where it started.',
}

const pageOf = (status: number): string => {
  const title = `${status} ${STATUS_CODES[status] ?? ''}`.trim()
  return `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${title}</title>\n<h1>${title}</h1>\n<p>${words[status] ?? ''}</p></html>\n`
}

const headersOf = (status: number, page: string): string[] => {
  const headers = [
    'Content-Type',
    'text/html; charset=utf-8',
    'Content-Length',
    String(Buffer.byteLength(page)),
    'Cache-Control',
    'no-store',
  ]
  if (status === 405) headers.push('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
  if (status === 503) headers.push('Retry-After', '1')
  return headers
}

/** Answers with our own page. */
export const sendPage = (client: Client, status: number): void => {
  const page = pageOf(status)
  client.say(status, headersOf(status, page), page)
}

/** `OPTIONS *` asks about the server, not about a site, so the gateway answers it (RFC 9110 section 9.3.7). */
export const sendOptions = (client: Client): void => {
  client.say(200, ['Content-Length', '0'], '')
}

/** 308 keeps the method and its body (RFC 9110 section 15.4.9). */
export const sendRedirect = (client: Client, location: string): void => {
  client.say(308, ['Location', location, 'Content-Length', '0'], '')
}

/** What proves to an authority that a name leads here (RFC 8555 section 8.3). */
export const sendProof = (client: Client, proof: string): void => {
  const headers = ['Content-Type', 'application/octet-stream', 'Content-Length', String(proof.length)]
  client.say(200, [...headers, 'Cache-Control', 'no-store'], proof)
}

const lingerMs = 1_000

/** The same where there is no response to write to: a message the parser gave up on, or an upgrade. Closes. */
export const writePage = (socket: Duplex, status: number): void => {
  const page = pageOf(status)
  const headers = headersOf(status, page)
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n`
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]}: ${headers[index + 1]}\r\n`
  socket.end(`${head}\r\n${page}`)
  // Closing on unread bytes would reset the connection and could take the page with it (RFC 9112 section 9.6).
  socket.resume()
  const lingering = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(lingering))
}
