import { createProxyServer } from 'http-proxy-3'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { cut } from './cut.ts'
import type { Front } from './exchange.ts'
import type { OriginTls } from './origins.ts'
import { writePage } from './page.ts'
import type { RequestFields } from './request-fields.ts'
import { readResponseFields } from './response-fields.ts'
import type { Route } from './router.ts'
import { count } from './stats.ts'
import { BadAnswerError, describeError, HandshakeTimeoutError, translate } from './translate.ts'
import { farewell, maskedFarewell, walkFrames, type FrameWalk } from './websocket-frames.ts'

/**
 * WebSockets. http-proxy-3 makes the handshake and joins the two sockets; what it leaves open is closed here: a deadline,
 * an answer where the origin gives none, a refusal passed on whole or visibly broken off, and no half of a pair left over.
 *
 *     waiting ── 101 ──> open ── either side leaves, silence, shutdown ──> over
 *        └── refusal, failure, deadline ──> answered and closed            at any time: the visitor leaves
 *
 * Who is left by us is told so between two frames (1001, "going away"), for a browser that sees a bare end must take it
 * for a fault.
 */

export interface Handshake {
  readonly req: IncomingMessage
  readonly socket: Socket
  /** Frames that came right behind the handshake. */
  readonly head: Buffer
  readonly route: Route
  /** With `Host` and our forwarding fields added. */
  readonly fields: RequestFields
  /** The peer's address. */
  readonly peer: string
  readonly startedAt: number
}

export interface Upgrades {
  /** False: there is no room, and nothing was done. Never throws, whatever the handshake or the origin is made of. */
  begin(handshake: Handshake): boolean
  /** No new ones; both ends of those that are open are told that we go away, and that nothing more will come. */
  drain(): void
  /** Ends what is still there. */
  destroy(): void
}

/** Time for a peer to close its side once nothing more will come to it. */
const lingerMs = 1_000
/** Time for a frame under way to become whole, so that the last word has its place behind it. */
const frameMs = 1_000
/** A peer that vanished without a word is noticed by TCP's own probes. */
const probeAfterMs = 60_000

/** In a status line, of what Node's parser lets pass as Latin-1. */
// oxlint-disable-next-line no-control-regex
const unwritable = /[^\t\r\n\x20-\x7e\x80-\xff]/g

const ignore = (): void => {}

/** Names that differ only in case are one field; `http-proxy-3` looks for these two in lower case. */
const headersOf = (fields: RequestFields): Record<string, string | string[]> => {
  const values = new Map<string, { readonly name: string; readonly lines: string[] }>()
  for (let index = 0; index + 1 < fields.headers.length; index += 2) {
    const name = fields.headers[index] ?? ''
    const line = fields.headers[index + 1] ?? ''
    const known = values.get(name.toLowerCase())
    if (known === undefined) values.set(name.toLowerCase(), { name, lines: [line] })
    else known.lines.push(line)
  }
  // Without a prototype: a visitor may send a field called `__proto__`.
  const headers: Record<string, string | string[]> = Object.create(null)
  for (const { name, lines } of values.values()) headers[name] = lines.length === 1 ? (lines[0] ?? '') : lines
  headers['connection'] = 'Upgrade'
  headers['upgrade'] = 'websocket'
  return headers
}

/** Lets what is still to be written out, then gives the peer a moment to close its side. */
const leave = (socket: Socket, stuckMs: number): void => {
  if (socket.destroyed) return
  const linger = (): void => {
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => clearTimeout(timer))
  }
  socket.setTimeout(stuckMs, () => socket.destroy())
  if (socket.writableFinished) linger()
  else socket.once('finish', linger)
  socket.end()
  // Its end is only seen by someone who reads.
  socket.resume()
}

/**
 * Frames are what both sides agreed to speak: RFC 6455, with no extension but the one that changes what is in frames and
 * not where they end (RFC 7692).
 */
const speaksFrames = (fields: RequestFields, { headers }: IncomingMessage): boolean => {
  const at = fields.headers.findIndex(
    (name, index) => index % 2 === 0 && /^sec-websocket-version$/i.test(name),
  )
  const extensions = headers['sec-websocket-extensions'] ?? ''
  return (
    fields.headers[at + 1] === '13' &&
    extensions.split(',').every((one) => /^\s*(?:permessage-deflate\b|$)/.test(one))
  )
}

/** Ends one direction behind a whole frame and a last word; without the word where no whole frame comes. */
const takeLeave = (from: Socket, to: Socket, walk: FrameWalk | null, word: Buffer, stuckMs: number): void => {
  from.unpipe(to)
  const say = (): void => {
    if (walk?.between === true && !walk.over && to.writable) to.write(word)
    leave(to, stuckMs)
  }
  if (walk === null || walk.over || walk.between) {
    say()
    return
  }
  const end = (): void => {
    clearTimeout(late)
    from.off('data', rest).off('close', end)
    say()
  }
  const rest = (bytes: Buffer): void => {
    if (!to.write(bytes.subarray(0, walk.finish(bytes)))) {
      from.pause()
      to.once('drain', () => from.resume())
    }
    if (walk.between || walk.over) end()
  }
  const late = setTimeout(end, frameMs)
  from.on('data', rest).once('close', end)
  from.resume()
}

/** One handshake and what became of it. */
interface Passing {
  drain(): void
  destroy(): void
}

export const createUpgrades = (front: Front, tls: OriginTls): Upgrades => {
  const { limits, stats } = front
  const passing = new Set<Passing>()

  const tell = (fields: object, message: string): void => {
    try {
      front.log?.warn(fields, message)
    } catch {
      // A log that cannot be written is no reason to leave a visitor without an answer.
    }
  }

  const carry = ({ req, socket, head, route, fields, peer, startedAt }: Handshake): void => {
    let status = 0
    let failure: string | null = null
    let outgoing = null as ClientRequest | null
    let origin: Socket | null = null
    let walks: { readonly toVisitor: FrameWalk; readonly toOrigin: FrameWalk } | null = null
    let leaving = false

    const fail = (error: unknown): void => {
      if (status !== 0 || socket.destroyed) return
      clearTimeout(deadline)
      const translated = translate(error)
      status = translated.status
      failure = translated.code
      count(stats.originFailed, failure)
      const cause = describeError(error)
      tell({ site: route.site, method: 'GET', status, code: failure, cut: false, cause }, 'the origin failed')
      writePage(socket, status)
    }

    /**
     * The origin declines: its answer goes on as it is, and the connection ends with it. http-proxy-3 would do it without
     * minding a visitor who does not read, and would leave the connection open where the origin breaks off.
     */
    const refuse = (answer: IncomingMessage): void => {
      const code = answer.statusCode ?? 0
      const rawHeaders = answer.rawHeaders.map((text) => Buffer.from(text, 'latin1'))
      const { headers, unreadable, contentLength } = readResponseFields(rawHeaders, code, false)
      if (status !== 0 || unreadable || code < 200 || code > 999) {
        fail(new BadAnswerError(`unexpected status ${code}`))
        outgoing?.destroy()
        return
      }
      clearTimeout(deadline)
      status = code
      let lines = `HTTP/1.1 ${code} ${answer.statusMessage ?? ''}\r\n`.replace(unwritable, '')
      for (let index = 0; index < headers.length; index += 2)
        lines += `${headers[index]}: ${headers[index + 1]}\r\n`
      // A 426 names what it wants (RFC 9110 section 15.5.22).
      lines +=
        code === 426
          ? 'Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n'
          : 'Connection: close\r\n\r\n'
      socket.write(lines, 'latin1')
      // What was chunked ends with the connection, which ends here anyway.
      answer.pipe(socket, { end: false })
      answer.once('end', () => leave(socket, limits.bodyIdleMs))
      answer.once('close', () => {
        if (answer.complete || socket.destroyed) return
        failure = 'reset'
        stats.cutShort += 1
        if (contentLength === null) cut(socket)
        else socket.destroy()
      })
      outgoing?.setTimeout(limits.bodyIdleMs, () => outgoing?.destroy())
      socket.setTimeout(limits.bodyIdleMs, () => socket.destroy())
      // Frames of a connection that is not to be: closing on unread bytes would take the answer with it.
      socket.resume()
    }

    const drain = (): void => {
      if (origin === null || leaving) return
      leaving = true
      if (walks !== null) {
        origin.off('data', walks.toVisitor.pass)
        socket.off('data', walks.toOrigin.pass)
      }
      takeLeave(origin, socket, walks?.toVisitor ?? null, farewell, limits.bodyIdleMs)
      takeLeave(socket, origin, walks?.toOrigin ?? null, maskedFarewell(), limits.bodyIdleMs)
    }

    const open = (answer: IncomingMessage, originSocket: Socket): void => {
      clearTimeout(deadline)
      if (speaksFrames(fields, answer)) {
        walks = { toVisitor: walkFrames(), toOrigin: walkFrames() }
        // What the pipes carry passes here in the same turn: bytes are never between the two.
        originSocket.on('data', walks.toVisitor.pass)
        socket.on('data', walks.toOrigin.pass)
      }
      status = 101
      origin = originSocket
      stats.upgraded += 1
      socket.setKeepAlive(true, probeAfterMs)
      originSocket.setKeepAlive(true, probeAfterMs)
      // What passes in either direction is activity on the visitor's socket.
      socket.setTimeout(limits.webSocketIdleMs, drain)
      originSocket.once('close', () => {
        leave(socket, limits.bodyIdleMs)
        forget()
      })
      if (front.draining) drain()
    }

    const destroy = (): void => {
      outgoing?.destroy()
      origin?.destroy()
      socket.destroy()
    }

    const one: Passing = { drain, destroy }
    /** Whoever still has an end open is known until the gateway stops. */
    const forget = (): void => {
      if (socket.destroyed && origin?.destroyed !== false) passing.delete(one)
    }
    const deadline = setTimeout(() => {
      const late = new HandshakeTimeoutError('the origin did not answer the handshake in time')
      fail(late)
      outgoing?.destroy()
    }, limits.answerMs)

    passing.add(one)
    stats.webSockets += 1
    socket.once('close', () => {
      clearTimeout(deadline)
      stats.webSockets -= 1
      if (status === 0) {
        stats.clientLeft += 1
        failure = 'client_left'
      }
      if (origin === null) outgoing?.destroy()
      else leave(origin, limits.bodyIdleMs)
      forget()
      try {
        front.onRequestDone?.({
          site: route.site,
          method: 'GET',
          status,
          startedAt,
          failure,
          target: req.url ?? '',
          rawHeaders: req.rawHeaders,
          peer,
        })
      } catch {
        // Whoever counts requests must not break them.
      }
    })

    // One per handshake: nothing of one can be mistaken for another's.
    const carrier = createProxyServer()
    // With nobody listening it throws. What there is to do is done where the sockets fail and close.
    carrier.on('error', ignore)
    carrier.on('proxyReqWs', (proxyReq) => {
      // The target's own bytes: http-proxy-3 has put them through a URL.
      proxyReq.path = req.url ?? '/'
      outgoing = proxyReq
    })
    req.headers = headersOf(fields)
    // Header values are the bytes of the wire, not UTF-8.
    socket.setDefaultEncoding('latin1')
    try {
      carrier.ws(req, socket, head, {
        target: new URL(route.origin.origin),
        connectTimeout: limits.connectMs,
        secure: tls.rejectUnauthorized ?? true,
        // Below it would be overwritten. The type is narrower than what is passed on.
        ...(tls.ca === undefined ? {} : { ca: tls.ca as string }),
        // The base of the options of Node's request.
        ssl: {
          maxHeaderSize: limits.answerHeaderBytes,
          // An address is no server name (RFC 6066 section 3).
          servername: isIP(route.serverName) === 0 ? route.serverName : '',
        },
      })
    } catch (error) {
      fail(error)
    }
    takeOver(outgoing, { fail, refuse, open })
  }

  return {
    begin(handshake) {
      if (front.draining || stats.webSockets >= limits.webSockets) {
        count(stats.refused, front.draining ? 'closing' : 'web_sockets')
        return false
      }
      carry(handshake)
      return true
    },
    drain() {
      for (const one of passing) one.drain()
    },
    destroy() {
      for (const one of passing) one.destroy()
    },
  }
}

/** Failure and refusal are ours from here on; only joining the sockets stays with http-proxy-3, before `open` is called. */
const takeOver = (
  outgoing: ClientRequest | null,
  then: {
    readonly fail: (error: unknown) => void
    readonly refuse: (answer: IncomingMessage) => void
    readonly open: (answer: IncomingMessage, origin: Socket) => void
  },
): void => {
  if (outgoing === null) return
  outgoing.removeAllListeners('error').removeAllListeners('response')
  outgoing.on('error', then.fail).once('response', then.refuse).once('upgrade', then.open)
}
