import type { SiteTraffic } from '../capture/rules.ts'
import type { Certificates } from '../proxy/tls-listener.ts'
import type { ReadText } from './files.ts'
import { openCertificateFolder, type CertificateFolder } from './folder.ts'
import { letsEncrypt, type Authority } from './issue.ts'
import { createIssuer, type Issuer } from './issuer.ts'
import { createKeeper, type KeeperLog, type Wanted } from './keeper.ts'

/** All that serving over TLS takes: certificates from files, and issued ones with what proves their names. */
export interface CertificateService {
  readonly certificates: Certificates
  /** What an authority that tests a name is to find under a token. */
  proofOf(token: string): string | null
  /**
   * Serves these sites from the next handshake on, and has issued what they need: authorities come and look, so the
   * listeners must be there. Rejects, and leaves everything as it was, where the folder or the authority's root cannot be
   * read.
   */
  follow(sites: readonly TlsSite[], acme: AcmeSettings | null): Promise<void>
  close(): Promise<void>
}

export type TlsSite = Pick<SiteTraffic, 'hosts' | 'tls'>

/** As the rules file has it. */
export interface AcmeSettings {
  readonly email?: string | undefined
  readonly directory?: string | undefined
  readonly ca?: string | undefined
}

export interface CertificateServiceOptions {
  /** Where issued certificates live; created when the first is needed. */
  readonly folder: string
  readonly log: KeeperLog
  readonly readText: ReadText
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const createCertificateService = (options: CertificateServiceOptions): CertificateService => {
  const { log, readText, now } = options
  /** From when a site first asks for it. */
  let issued: { readonly folder: CertificateFolder; readonly issuer: Issuer } | null = null
  let names: ReadonlySet<string> = new Set()

  const proof = (name: string) => {
    const lower = name.toLowerCase()
    return issued !== null && names.has(lower) ? issued.folder.readProofPair(lower) : null
  }
  const keeper = createKeeper({ log, readText, now, proof })

  const authorityOf = (acme: AcmeSettings | null): Authority => ({
    directory: acme?.directory ?? letsEncrypt,
    email: acme?.email ?? null,
    ca: acme?.ca === undefined ? null : readText(acme.ca),
  })

  const open = async (): Promise<NonNullable<typeof issued>> => {
    const folder = await openCertificateFolder(options.folder)
    const issuer = createIssuer({ folder, log, readText, now, onIssued: keeper.look })
    return { folder, issuer }
  }

  return {
    certificates: keeper.certificates,
    proofOf: (token) => (names.size === 0 ? null : (issued?.folder.readProof(token) ?? null)),
    async follow(sites, acme) {
      const asking = sites.flatMap(({ tls, hosts }) => (tls === 'acme' ? hosts : []))
      const authority = authorityOf(acme)
      if (asking.length > 0) issued ??= await open()
      const folder = issued?.folder
      const wanted = sites.flatMap(({ tls, hosts }): readonly Wanted[] => {
        if (tls === undefined) return []
        if (tls !== 'acme') return [{ hosts, files: tls, issued: false }]
        return hosts.flatMap((host) =>
          folder === undefined ? [] : [{ hosts: [host], files: folder.filesOf(host), issued: true }],
        )
      })
      names = new Set(asking)
      keeper.follow(wanted)
      issued?.issuer.follow(asking, authority)
    },
    async close() {
      keeper.close()
      await issued?.issuer.close()
    },
  }
}
