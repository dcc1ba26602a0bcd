/** Where an authority looks for what proves that a name leads here (RFC 8555 section 8.3). */
export const proofPath = '/.well-known/acme-challenge/'

/** The token a request asks for; `null`: it asks for something else. */
export const proofToken = (method: string, target: string): string | null => {
  if (!target.startsWith(proofPath) || (method !== 'GET' && method !== 'HEAD')) return null
  const token = target.slice(proofPath.length)
  return /^[\w-]{16,256}$/.test(token) ? token : null
}
