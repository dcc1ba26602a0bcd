import type { Server, Socket } from 'node:net'
import { canonicalAddress } from '../capture/client-address.ts'

/** So many connections at a time from one place. */
export interface ConnectionLimit {
  /** Counts what this listener accepts; what is one too many is closed before a byte of it is read. */
  watch(server: Server): void
}

/**
 * Who is counted as one: an IPv4 address, or a /64 of IPv6, for that is what a single customer is given and can choose
 * addresses from.
 */
export const placeOf = (address: string): string => {
  const canonical = canonicalAddress(address) ?? address
  if (!canonical.includes(':')) return canonical
  const [before = '', after] = canonical.split('::')
  const front = before === '' ? [] : before.split(':')
  const back = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : 8 - front.length - back.length
  const groups = [...front, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...back]
  return `${groups.slice(0, 4).join(':')}::/64`
}

/**
 * @param max 0: no limit.
 * @param exempt Addresses that stand for many visitors: the operator's own proxies.
 * @param onRefused Told of each one too many.
 */
export const limitConnections = (
  max: number,
  exempt: (address: string) => boolean,
  onRefused: () => void,
): ConnectionLimit => {
  const counts = new Map<string, number>()
  const admit = (socket: Socket): void => {
    // A TLS socket handed on to a second listener was counted below.
    if ('encrypted' in socket) return
    const { remoteAddress } = socket
    const address = remoteAddress === undefined ? null : canonicalAddress(remoteAddress)
    // Visitors whose address a balancer did not know are not one and the same.
    if (address === null || exempt(address)) return
    const place = placeOf(address)
    const held = counts.get(place) ?? 0
    if (held >= max) {
      onRefused()
      socket.destroy()
      return
    }
    counts.set(place, held + 1)
    socket.once('close', () => {
      const left = (counts.get(place) ?? 1) - 1
      if (left > 0) counts.set(place, left)
      else counts.delete(place)
    })
  }
  return {
    watch(server) {
      if (max > 0) server.on('connection', admit)
    },
  }
}
