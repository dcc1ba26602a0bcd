import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { createBudget, type Budget } from './budget.ts'
import type { ProxyLimits } from './limits.ts'
import { count, type ProxyStats } from './stats.ts'

/**
 * What one connection of HTTP/2 may ask of us. Node bounds the size of things (header blocks, CONTINUATION and SETTINGS
 * frames, empty frames, streams at a time); here is bounded how often: requests begun and dropped (CVE-2023-44487, and
 * CVE-2025-8671, where it is we who are made to reset), pings and settings, each of which costs an answer. And how long:
 * `http2` has no deadlines of its own.
 */
export interface Http2Sessions {
  open(session: ServerHttp2Session, socket: TLSSocket): void
  /** `hasBody`: more than a head is to come. */
  begin(stream: ServerHttp2Stream, hasBody: boolean): void
  /** New streams are turned away, those under way may finish. */
  drain(): void
  destroy(): void
}

interface Held {
  readonly socket: TLSSocket
  streams: number
  /** Since when it has carried no stream, or has been told to leave. */
  idleSince: number
  readonly dropped: Budget
  readonly control: Budget
}

/** Counted where the errors of sessions are. */
class FloodError extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** The window of a whole connection; with the protocol's own 64 KiB an upload crawls on a long way. */
const connectionWindow = 1_048_576

/** Time for a client to hang up once it has been told to leave. */
const lingerMs = 1_000

/** A person who goes from page to page while pictures load drops some streams; control frames are rare. */
const droppedBudget = { burst: 200, perSecond: 20 }
const controlBudget = { burst: 100, perSecond: 10 }

/** `now` in milliseconds. */
export const createHttp2Sessions = (
  limits: ProxyLimits,
  stats: ProxyStats,
  now: () => number,
): Http2Sessions => {
  const sessions = new Map<ServerHttp2Session, Held>()

  const calm = (session: ServerHttp2Session, code: string): void => {
    if (!session.destroyed) session.destroy(new FloodError(code), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  const leave = (session: ServerHttp2Session): void => {
    const held = sessions.get(session)
    if (held?.streams === 0) held.idleSince = now()
    session.close()
  }

  const sweep = (): void => {
    const at = now()
    for (const [session, { streams, idleSince, socket }] of sessions) {
      if (streams > 0) continue
      // Node says farewell and then waits for the client to hang up, for ever if need be.
      if (session.closed && at - idleSince > lingerMs) socket.destroy()
      if (!session.closed && at - idleSince > limits.clientKeepAliveMs) leave(session)
    }
  }
  let sweeping: NodeJS.Timeout | null = null
  let draining = false

  return {
    open(session, socket) {
      const held: Held = {
        socket,
        streams: 0,
        idleSince: now(),
        dropped: createBudget(droppedBudget.burst, droppedBudget.perSecond),
        control: createBudget(controlBudget.burst, controlBudget.perSecond),
      }
      sessions.set(session, held)
      sweeping ??= setInterval(sweep, limits.clientCheckMs).unref()
      const control = (): void => {
        if (!held.control.spend(now())) calm(session, 'control_flood')
      }
      session.on('ping', control)
      session.on('remoteSettings', control)
      session.on('error', (error: NodeJS.ErrnoException) => count(stats.sessionsEnded, error.code ?? 'error'))
      session.once('close', () => {
        sessions.delete(session)
        if (sessions.size > 0 || sweeping === null) return
        clearInterval(sweeping)
        sweeping = null
      })
      session.setLocalWindowSize(connectionWindow)
      if (draining) leave(session)
    },

    begin(stream, hasBody) {
      const { session } = stream
      const held = session === undefined ? undefined : sessions.get(session as ServerHttp2Session)
      if (held === undefined) return
      held.streams += 1
      // No byte in either direction for so long: a visitor who does not read, or does not send.
      stream.setTimeout(limits.clientStallMs, () => {
        count(stats.refused, 'client_stalled')
        stream.close(constants.NGHTTP2_CANCEL)
      })
      const late = hasBody
        ? setTimeout(() => {
            count(stats.refused, 'client_timeout')
            stream.close(constants.NGHTTP2_CANCEL)
          }, limits.clientRequestMs)
        : null
      if (late !== null) stream.once('end', () => clearTimeout(late))
      stream.once('close', () => {
        if (late !== null) clearTimeout(late)
        held.streams -= 1
        held.idleSince = now()
        // What the origin broke off we cut with INTERNAL_ERROR; a client who sends that is counted by Node.
        const dropped = stream.aborted && stream.rstCode !== constants.NGHTTP2_INTERNAL_ERROR
        if (dropped && !held.dropped.spend(now())) calm(session as ServerHttp2Session, 'reset_flood')
      })
    },

    drain() {
      draining = true
      for (const session of sessions.keys()) leave(session)
    },
    destroy() {
      for (const session of sessions.keys()) session.destroy()
    },
  }
}
