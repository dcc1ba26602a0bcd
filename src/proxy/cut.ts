import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * Ends a connection so that its peer can tell that what it was reading is not whole, even where only the end of the
 * connection was to tell where the answer ends (RFC 9112 section 8). TLS says so by itself, for its closing alert is
 * missing (RFC 8446 section 6.1), and Node cannot reset a TLS socket.
 */
export const cut = (socket: Socket): void => {
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
