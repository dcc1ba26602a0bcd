import { wasSecure } from '../capture/client-address.ts'
import { proofPath } from './proof.ts'
import type { RequestFields } from './request-fields.ts'
import type { Route } from './router.ts'

/** What a connection tells of its peer. */
export interface Peer {
  readonly address: string
  /** A proxy of the operator's. */
  readonly trusted: boolean
  readonly secure: boolean
}

/** The same address over https; `null` where it came so, is served as it came, or tests whether a name leads here. */
export const secureLocation = (
  { httpsPort }: Route,
  target: string,
  { host }: RequestFields,
  { address, secure, trusted }: Peer,
  rawHeaders: readonly string[],
): string | null => {
  // Without a Host there is nowhere to send anyone.
  if (httpsPort === null || host === '' || target === '*' || target.startsWith(proofPath)) return null
  if (wasSecure(address, secure, rawHeaders, { has: () => trusted })) return null
  return `https://${host.replace(/:\d+$/, '')}${httpsPort === 443 ? '' : `:${httpsPort}`}${target}`
}
