import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { sameSecret } from '../sites/secrets.ts'
import type { AuditEntry, SettingsStore, StoredDocument } from '../store/settings.ts'
import { orUnavailable } from './store-trouble.ts'

/** Who may do what. */

export const scopes = ['ingest', 'read', 'write'] as const
export type Scope = (typeof scopes)[number]

export interface Grant {
  /** Of the key, for the audit log and the rate limit; never the key itself. */
  readonly id: string
  /** `null`: every site. */
  readonly site: string | null
  readonly scopes: ReadonlySet<Scope>
}

export interface Keys {
  /** `null`: no such key. */
  grantOf(token: string): Promise<Grant | null>
}

/** A site's key as anybody may see it. */
export interface SiteKey {
  readonly id: string
  readonly site: string
  readonly name: string
  readonly scopes: readonly Scope[]
  /** How the key begins: enough to know it again, and nothing of its secret. */
  readonly prefix: string
  readonly createdAt: number
}

export interface KeyRing extends Keys {
  of(site: string): Promise<readonly SiteKey[]>
  /** `token` is shown now and never again: only its hash is kept. */
  create(
    wish: Pick<SiteKey, 'site' | 'name' | 'scopes'>,
    at: number,
    entry: (key: SiteKey) => AuditEntry,
  ): Promise<{ readonly key: SiteKey; readonly token: string }>
  /** In force here when it resolves, elsewhere within a second. `false`: there is no such key. */
  revoke(site: string, id: string, entry: (key: SiteKey) => AuditEntry): Promise<boolean>
}

const everything: Grant = { id: 'admin', site: null, scopes: new Set(scopes) }

/** The operator's own key, from the environment: every site, every scope. */
export const adminKeyOnly = (adminKey: string | null): Keys => ({
  grantOf: async (token) => (adminKey !== null && sameSecret(token, adminKey) ? everything : null),
})

const kind = 'key'
const idBytes = 8
const secretBytes = 32
const form = /^sluice_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/

/**
 * Plain SHA-256, on purpose. Slow hashes protect what people choose, by making each guess dear; a key of 256 random bits
 * cannot be guessed at any speed, so all that slowness would buy is a cost for every request of ours.
 */
const hashOf = (token: string): Buffer => createHash('sha256').update(token, 'utf8').digest()

const storedSchema = z.strictObject({
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.number(),
})

interface Known {
  readonly key: SiteKey
  readonly hash: Buffer
  readonly grant: Grant
  readonly version: number
}

const prefixOf = (id: string): string => `sluice_${id}_`

const knownOf = ({ site, id, body, version }: StoredDocument): Known => {
  const { hash, ...stored } = storedSchema.parse(JSON.parse(body))
  return {
    key: { id, site, prefix: prefixOf(id), ...stored },
    hash: Buffer.from(hash, 'hex'),
    grant: { id, site, scopes: new Set(stored.scopes) },
    version,
  }
}

/** How long another process's change may go unnoticed. */
const freshForMs = 1_000
/** Compared with where there is no such key, so that the answer takes as long as for one that exists. */
const nobodysHash = Buffer.alloc(32)

/** Keys of sites, and the admin key; `null`: there is none. A store that cannot be read is `store_unavailable`, never a grant. */
export const createKeys = (
  store: SettingsStore,
  adminKey: string | null,
  now: () => number = Date.now,
): KeyRing => {
  const admin = adminKeyOnly(adminKey)
  let known: ReadonlyMap<string, Known> = new Map()
  let seenVersion = -1
  let checkedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | null = null

  const read = async (): Promise<void> => {
    const at = now()
    const version = await store.documentsVersion()
    if (version !== seenVersion) {
      const documents = await store.documents(kind)
      known = new Map(documents.map((document) => [document.id, knownOf(document)]))
      seenVersion = version
    }
    checkedAt = at
  }

  const look = (): Promise<void> => {
    reading ??= read().finally(() => {
      reading = null
    })
    return reading
  }

  const fresh = async (): Promise<void> => {
    const age = now() - checkedAt
    if (age < 0 || age >= freshForMs) await orUnavailable(look())
  }

  /** After a change of our own: what was being read may have been read before it. */
  const readAnew = async (): Promise<void> => {
    await reading?.catch(() => {})
    await look()
  }

  return {
    grantOf: async (token) => {
      const granted = await admin.grantOf(token)
      if (granted !== null) return granted
      const id = form.exec(token)?.[1]
      if (id === undefined) return null
      await fresh()
      const found = known.get(id)
      const same = timingSafeEqual(hashOf(token), found?.hash ?? nobodysHash)
      return same && found !== undefined ? found.grant : null
    },
    of: async (site) => {
      await orUnavailable(readAnew())
      return [...known.values()].map(({ key }) => key).filter((key) => key.site === site)
    },
    create: async ({ site, name, scopes: wanted }, at, entry) => {
      const id = randomBytes(idBytes).toString('hex')
      const token = `${prefixOf(id)}${randomBytes(secretBytes).toString('base64url')}`
      const stored = { name, scopes: [...wanted], createdAt: at }
      const key: SiteKey = { id, site, prefix: prefixOf(id), ...stored }
      const body = JSON.stringify({ ...stored, hash: hashOf(token).toString('hex') })
      const put = await orUnavailable(store.putDocument({ kind, site, id, body }, null, entry(key)))
      if (put === 'conflict') throw new Error('two keys of 64 random bits have the same id')
      await orUnavailable(readAnew())
      return { key, token }
    },
    revoke: async (site, id, entry) => {
      await orUnavailable(readAnew())
      const found = known.get(id)
      if (found === undefined || found.key.site !== site) return false
      // Keys are never changed, so a conflict is somebody who revoked it first.
      await orUnavailable(store.deleteDocument({ kind, site, id }, found.version, entry(found.key)))
      await orUnavailable(readAnew())
      return true
    },
  }
}
