import type { Server, Socket } from 'node:net'
import { canonicalAddress } from '../capture/client-address.ts'
import { local, readProxyHeader } from './proxy-protocol-header.ts'
import { count, type ProxyStats } from './stats.ts'

/**
 * Listeners behind a balancer that passes TCP on and says in a header of the PROXY protocol who comes. The header is
 * read before anybody else hears of the connection, so TLS, limits and logs see the visitor as if they had come straight
 * to us.
 */
export interface ProxyProtocol {
  /** To be called when all listeners for `connection` are on the server, and before it listens. */
  guard(server: Server): void
  /** Ends those that have not said yet who they are; nothing of theirs has begun. */
  drain(): void
}

/** For a visitor whose address the balancer does not know (RFC 7239 section 6.2); it is nobody's we trust. */
export const unknownAddress = 'unknown'

/** Every one of them is counted under a code of its own. */
type Refusal = 'proxy_untrusted' | 'proxy_header' | 'proxy_timeout'

export const createProxyProtocol = (needs: {
  /** Whether the peer, by its canonical address, may say who comes. Who may not is turned away. */
  readonly trust: (address: string) => boolean
  /** From the connection to the end of its header. */
  readonly headerMs: number
  readonly stats: ProxyStats
}): ProxyProtocol => {
  const { trust, headerMs, stats } = needs
  const waiting = new Set<Socket>()

  const refuse = (socket: Socket, code: Refusal): void => {
    count(stats.refused, code)
    socket.destroy()
  }

  const read = (socket: Socket, passOn: () => void): void => {
    const { remoteAddress } = socket
    const peer = remoteAddress === undefined ? null : canonicalAddress(remoteAddress)
    if (peer === null || !trust(peer)) {
      refuse(socket, 'proxy_untrusted')
      return
    }
    let bytes: Buffer = Buffer.alloc(0)
    const late = setTimeout(() => refuse(socket, 'proxy_timeout'), headerMs)
    const left = (): void => void socket.destroy()
    const forget = (): void => {
      clearTimeout(late)
      waiting.delete(socket)
    }
    const onReadable = (): void => {
      for (;;) {
        const chunk: unknown = socket.read()
        if (!Buffer.isBuffer(chunk)) return
        bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
        const header = readProxyHeader(bytes)
        if (header.kind === 'more') continue
        if (header.kind === 'wrong') {
          refuse(socket, 'proxy_header')
          return
        }
        forget()
        socket.off('readable', onReadable).off('end', left).off('error', left).off('close', forget)
        if (header.address !== local)
          nameSocket(socket, canonicalAddress(header.address ?? '') ?? unknownAddress)
        if (header.length < bytes.length) socket.unshift(bytes.subarray(header.length))
        passOn()
        return
      }
    }
    waiting.add(socket)
    // Not by `data`: a stream that flows cannot be handed to TLS, which takes over what is still unread.
    socket.on('readable', onReadable).once('end', left).once('error', left).once('close', forget)
  }

  return {
    guard(server) {
      const listeners = server.listeners('connection')
      server.removeAllListeners('connection')
      server.on('connection', (socket: Socket) => {
        const passOn = (): void => {
          for (const listener of listeners) listener.call(server, socket)
        }
        // What has been through TLS comes from another listener, which has read its header.
        if ('encrypted' in socket) passOn()
        else read(socket, passOn)
      })
    },
    drain() {
      for (const socket of waiting) socket.destroy()
    },
  }
}

/** From now on this is where the socket comes from, for whoever asks it. */
const nameSocket = (socket: Socket, remoteAddress: string): void => {
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress, configurable: true })
}

/** A TLS socket asks the kernel; the name was given to the socket below. */
export const inheritName = (socket: Socket): void => {
  const below: unknown = Reflect.get(socket, '_parent')
  if (typeof below === 'object' && below !== null && Object.hasOwn(below, 'remoteAddress'))
    nameSocket(socket, String(Reflect.get(below, 'remoteAddress')))
}
