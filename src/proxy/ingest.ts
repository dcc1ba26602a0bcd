import { Readable } from 'node:stream'
import { normalPath, splitTarget } from '../capture/request-path.ts'
import type { Client } from './client.ts'
import type { Front } from './exchange.ts'
import { sendPage } from './page.ts'
import type { RequestFields } from './request-fields.ts'

/** `/tracking/ingest` on a site's own host: taken out of the way to the origin, and answered by whoever the wiring names. */

export type Ingest = (request: {
  readonly site: string
  readonly method: string
  /** Name, value, …: neither hop-by-hop nor forwarding fields. */
  readonly rawHeaders: readonly string[]
  /** Broken off: destroyed with an error. */
  readonly body: Readable | null
}) => Promise<{
  readonly status: number
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** Nothing can follow on the same connection. */
  readonly last: boolean
}>

/** However the address is spelt: another spelling must not carry a key and what it sends to the origin. */
export const isIngest = (target: string): boolean => {
  const path = normalPath(splitTarget(target).path)
  return path === '/tracking/ingest' || path === '/tracking/ingest/'
}

const broken = new Error('the body broke off')

/**
 * A request's body that is asked for only when somebody reads it, so that `100 Continue` is said to senders who may go on
 * and to no others. What nobody has read when it is destroyed is thrown away, or the connection could not be used again.
 */
const bodyOf = (client: Client, expectsContinue: boolean): Readable => {
  const source = client.body
  const onData = (chunk: Buffer): void => {
    if (!copy.push(chunk)) source.pause()
  }
  const onEnd = (): void => {
    if (client.bodyCut) copy.destroy(broken)
    else copy.push(null)
  }
  const onError = (): void => void copy.destroy(broken)
  let attached = false
  const copy = new Readable({
    read: () => {
      if (!attached) {
        attached = true
        if (expectsContinue) client.goOn()
        source.on('data', onData).on('end', onEnd).on('error', onError)
      }
      source.resume()
    },
    destroy: (error, done) => {
      source.off('data', onData).off('end', onEnd).off('error', onError).on('error', ignore).resume()
      done(error)
    },
  })
  return copy.on('error', ignore)
}

const ignore = (): void => {}

/** `onDone` is told the status at the end; 0 when the sender left before there was one. */
export const serveIngest = (
  front: Front,
  ingest: Ingest,
  request: { readonly client: Client; readonly site: string; readonly fields: RequestFields },
  onDone: (status: number) => void,
): void => {
  const { client, site, fields } = request
  const body = fields.hasBody ? bodyOf(client, fields.expectsContinue) : null
  let left = false
  front.stats.active += 1
  client.onClose(() => {
    left = true
    front.stats.active -= 1
    body?.destroy(broken)
    onDone(client.status)
  })
  ingest({ site, method: client.method, rawHeaders: fields.headers, body }).then(
    (answer) => {
      if (left) return
      if (answer.last || front.draining) client.leaveAfterwards()
      client.say(answer.status, answer.rawHeaders, answer.body)
      body?.destroy()
    },
    () => {
      if (left) return
      client.leaveAfterwards()
      sendPage(client, 503)
    },
  )
}
