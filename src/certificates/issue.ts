import { generateKeyPairSync } from 'node:crypto'
import { Agent } from 'node:https'
import type { Authorization } from 'acme-client'
import type { CertificateFolder } from './folder.ts'

/** One certificate from an authority, by RFC 8555. */

export interface Authority {
  readonly directory: string
  readonly email: string | null
  /** PEM: what the directory itself is known by; `null`: by what everyone trusts. */
  readonly ca: string | null
}

/** How a name is tested: a file over http, or a certificate over TLS (RFC 8737). */
export type Proof = 'http-01' | 'tls-alpn-01'

export const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory'

const callMs = 30_000

const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()

/**
 * Asks for it, shows what the authority wants to see, and waits; minutes, if need be. Rejects with the authority's own
 * words.
 */
export const issueCertificate = async (
  name: string,
  authority: Authority,
  proof: Proof,
  folder: CertificateFolder,
): Promise<{ readonly cert: string; readonly key: string }> => {
  // Loaded when asked for: most gateways have their certificates from elsewhere.
  const acme = await import('acme-client')
  acme.axios.defaults.timeout = callMs
  acme.axios.defaults.httpsAgent = authority.ca === null ? undefined : new Agent({ ca: authority.ca })
  const client = new acme.Client({
    directoryUrl: authority.directory,
    accountKey: await folder.accountKey(authority.directory, async () => newKey()),
  })
  const key = newKey()
  const [, csr] = await acme.crypto.createCsr({ altNames: [name] }, key)

  const show = async (
    authorization: Authorization,
    challenge: { readonly type: string; readonly token: string },
    keyAuthorization: string,
  ): Promise<void> => {
    if (challenge.type === 'http-01') await folder.writeProof(challenge.token, keyAuthorization)
    else if (challenge.type === 'tls-alpn-01') {
      const proofKey = newKey()
      const [, cert] = await acme.crypto.createAlpnCertificate(authorization, keyAuthorization, proofKey)
      await folder.writeProofPair(name, `${proofKey}${cert.toString()}`)
    } else throw new Error(`the authority offers none of the proofs we have, but ${challenge.type}`)
  }

  const cert = await client.auto({
    csr,
    ...(authority.email === null ? {} : { email: authority.email }),
    termsOfServiceAgreed: true,
    // From here the name may well lead elsewhere; the authority's look is what counts.
    skipChallengeVerification: true,
    challengePriority: proof === 'http-01' ? ['http-01', 'tls-alpn-01'] : ['tls-alpn-01', 'http-01'],
    challengeCreateFn: show,
    challengeRemoveFn: (_authorization, { token }) => folder.removeProofs(token, name),
  })
  return { cert, key }
}
