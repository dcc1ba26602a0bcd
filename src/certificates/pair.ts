import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'

/** A certificate with its key: read, held against each other, and fit to be served with. */
export interface Pair {
  readonly cert: string
  readonly key: string
  readonly context: SecureContext
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  /** The names it speaks for, as it writes them. */
  readonly names: readonly string[]
  covers(name: string): boolean
}

export interface PairProblem {
  /** Which of the two to mend. */
  readonly of: 'cert' | 'key'
  readonly message: string
}

const blockForm = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

const attempt = <T>(make: () => T): T | null => {
  try {
    return make()
  } catch {
    return null
  }
}

const readKey = (key: string): ReturnType<typeof createPrivateKey> | PairProblem => {
  const found = attempt(() => createPrivateKey(key))
  if (found !== null) return found
  const message = /ENCRYPTED/.test(key)
    ? 'the key is locked with a passphrase; write it out without one'
    : /-----BEGIN CERTIFICATE-----/.test(key)
      ? 'this is a certificate, not a key'
      : 'this is no private key in PEM form'
  return { of: 'key', message }
}

const readChain = (cert: string): readonly X509Certificate[] | PairProblem => {
  const blocks = cert.match(blockForm) ?? []
  if (blocks.length === 0)
    return {
      of: 'cert',
      message: /PRIVATE KEY-----/.test(cert)
        ? 'this is a key, not a certificate'
        : 'this is no certificate in PEM form',
    }
  const chain = blocks.map((block) => attempt(() => new X509Certificate(block)))
  const broken = chain.indexOf(null)
  return broken < 0
    ? chain.filter((one) => one !== null)
    : { of: 'cert', message: `certificate ${broken + 1} of the file cannot be read` }
}

const namesOf = (leaf: X509Certificate): readonly string[] =>
  (leaf.subjectAltName ?? '')
    .split(', ')
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? [])

/** Never throws, whatever the texts hold. No problem quotes them. */
export const readPair = (cert: string, key: string): Pair | readonly PairProblem[] => {
  const chain = readChain(cert)
  const privateKey = readKey(key)
  const problems = [chain, privateKey].filter((one): one is PairProblem => 'message' in one)
  if ('message' in chain || 'message' in privateKey) return problems
  const [leaf, ...rest] = chain
  if (leaf === undefined) return problems
  if (!leaf.checkPrivateKey(privateKey)) {
    const later = rest.some((one) => one.checkPrivateKey(privateKey))
    const message = later
      ? 'the certificate that the key belongs to must come first in the file'
      : 'the key does not belong to the certificate'
    return [{ of: later ? 'cert' : 'key', message }]
  }
  const context = attempt(() => createSecureContext({ cert, key, minVersion: 'TLSv1.2' }))
  if (context === null)
    return [{ of: 'cert', message: 'the certificate cannot be served with; is its key too short?' }]
  return {
    cert,
    key,
    context,
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    names: namesOf(leaf),
    covers: (name) => leaf.checkHost(name, { subject: 'never' }) !== undefined,
  }
}

const day = (time: number): string => new Date(time).toISOString().slice(0, 10)

/**
 * What visitors would trip over, in words.
 *
 * @param hosts As the rules file writes them: names, `*.name` or `*`.
 * @param now Milliseconds since the epoch.
 */
export const doubtsAbout = (pair: Pair, hosts: readonly string[], now: number): readonly string[] => {
  const { notBefore, notAfter, names } = pair
  const doubts: string[] = []
  if (now > notAfter) doubts.push(`the certificate ran out on ${day(notAfter)}`)
  else if (now < notBefore) doubts.push(`the certificate is not valid before ${day(notBefore)}`)
  const bare = hosts.filter((host) => {
    if (host === '*') return false
    // A wildcard is covered by a wildcard: any one name below it tells.
    return !pair.covers(host.replace(/^\*/, 'any-name'))
  })
  if (bare.length > 0)
    doubts.push(
      `the certificate is not for ${bare.join(', ')}; it names ${names.length === 0 ? 'nobody' : names.join(', ')}`,
    )
  return doubts
}
