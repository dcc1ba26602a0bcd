import { z } from 'zod'
import type { AnyDestination } from '../destinations/destination.ts'
import { findDestination } from '../destinations/index.ts'
import type { AuditEntry, Changed, SettingsStore, StoredDocument } from '../store/settings.ts'
import { configureIntegration, type Integration, type SiteOfIntegration } from './configure.ts'
import { integrationSchema, type IntegrationDeclaration } from './integration.ts'
import { secretValues } from './mask.ts'
import type { Sealer } from './secrets.ts'

/**
 * Integrations made through the API. They lie in the store as documents, their config sealed; those that the rules file
 * declares are none of this file's business.
 */

/** One as it lies in the store. Its declaration holds secrets in the clear: never to be shown or logged as it is. */
export interface ManagedIntegration {
  readonly id: string
  readonly site: string
  readonly destination: AnyDestination
  readonly declaration: IntegrationDeclaration
  readonly version: number
  readonly changedAt: number
  /** `null` where it cannot be used; `problem` then says why. */
  readonly integration: Integration | null
  readonly problem: string | null
}

export interface ManagedIntegrations {
  /** Reads them anew; answers those in force. A config sealed by an old key is sealed again with the first. */
  load(): Promise<readonly Integration[]>
  /** Reads them anew if another process changed something since. */
  refresh(): Promise<void>
  /** Those in force. */
  current(): readonly Integration[]
  /** `site/id` of all that lie in the store, usable or not, their site known or not. */
  keys(): ReadonlySet<string>
  /** Of one site, those that cannot be used included, by id. */
  of(site: string): readonly ManagedIntegration[]
  /** `declaration.config` must have passed its destination's schema. In force, and told to the listeners, when it resolves. */
  put(
    site: string,
    declaration: IntegrationDeclaration,
    expected: number | null,
    entry: AuditEntry,
  ): Promise<Changed>
  remove(site: string, id: string, expected: number, entry: AuditEntry): Promise<Changed>
  /** Called with those in force after every change; answers how to stop. */
  onChange(listener: (integrations: readonly Integration[]) => void): () => void
}

/** A secret was to be stored, and there is no key to seal it with. */
export class NoSealingKey extends Error {
  constructor() {
    super(
      'This gateway has no key to seal secrets with. Start it with SLUICE_SECRET_KEY (32 bytes in base64; make one with: ' +
        'openssl rand -base64 32), or declare the integration in the rules file, where a secret is { "$env": NAME }.',
    )
    this.name = 'NoSealingKey'
  }
}

const kind = 'integration'

/** `sealed` is the JSON of the config. Without secrets there is nothing to seal, and no key is needed. */
const bodySchema = z.strictObject({
  declaration: integrationSchema.omit({ config: true }),
  config: z.record(z.string(), z.unknown()).optional(),
  sealed: z.string().optional(),
})

/** A seal opens for this integration of this site and nowhere else. */
const placeOf = (site: string, id: string): string => `integration ${site}/${id}`

const encode = (
  site: string,
  { config, ...declaration }: IntegrationDeclaration,
  destination: AnyDestination,
  sealer: Sealer | null,
): string => {
  if (sealer === null && secretValues(destination.settings, config).length > 0) throw new NoSealingKey()
  return JSON.stringify(
    sealer === null
      ? { declaration, config }
      : { declaration, sealed: sealer.seal(JSON.stringify(config), placeOf(site, declaration.id)) },
  )
}

interface Opened {
  readonly declaration: IntegrationDeclaration
  readonly problem: string | null
}

/** The store holds what this file wrote, by an older version of it perhaps, and sealed by a key that may be gone. */
const decode = ({ site, id, body }: StoredDocument, sealer: Sealer | null): Opened | null => {
  const parsed = bodySchema.safeParse(JSON.parse(body))
  if (!parsed.success) return null
  const { declaration, config, sealed } = parsed.data
  if (sealed === undefined) return { declaration: { ...declaration, config: config ?? {} }, problem: null }
  const opened = sealer?.open(sealed, placeOf(site, id)) ?? null
  return opened === null
    ? {
        declaration: { ...declaration, config: {} },
        problem:
          'Its credentials cannot be opened: none of the keys in SLUICE_SECRET_KEY sealed them. Add the key that did, or give the config again.',
      }
    : {
        declaration: { ...declaration, config: JSON.parse(opened) as Record<string, unknown> },
        problem: null,
      }
}

const firstOf = (error: z.ZodError): string => {
  const [issue] = error.issues
  return `${['config', ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message ?? 'not in the form expected'}`
}

/** The id of the key in a seal; see `createSealer`. */
const keyOf = (sealed: string): string | undefined => sealed.split('.')[1]

export const createManagedIntegrations = ({
  store,
  sealer,
  sites,
  now,
  onProblem = () => {},
}: {
  readonly store: SettingsStore
  /** `null`: no key is configured. */
  readonly sealer: Sealer | null
  /** The sites of the rules file; integrations of others are kept, and not in force. */
  readonly sites: () => readonly SiteOfIntegration[]
  readonly now: () => number
  /** One that cannot be used, told at every reading. */
  readonly onProblem?: (problem: {
    readonly site: string
    readonly id: string
    readonly problem: string
  }) => void
}): ManagedIntegrations => {
  let documents: readonly StoredDocument[] = []
  let seenVersion = -1
  const listeners = new Set<(integrations: readonly Integration[]) => void>()
  const readings = new Map<string, { readonly essence: string; readonly made: ManagedIntegration | null }>()

  const make = (document: StoredDocument, site: SiteOfIntegration): ManagedIntegration | null => {
    const opened = decode(document, sealer)
    const destination = opened === null ? null : findDestination(opened.declaration.platform)
    if (opened === null || destination === null) return null
    const { declaration } = opened
    const parsed = opened.problem === null ? destination.settings.safeParse(declaration.config) : null
    const settings = parsed?.success === true ? parsed.data : null
    return {
      id: document.id,
      site: document.site,
      destination,
      declaration,
      version: document.version,
      changedAt: document.changedAt,
      integration:
        settings === null
          ? null
          : configureIntegration(
              site,
              declaration,
              destination,
              settings,
              secretValues(destination.settings, settings),
            ),
      problem:
        opened.problem ??
        (parsed?.success === false
          ? `Its config does not fit ${destination.title} any more: ${firstOf(parsed.error)}`
          : null),
    }
  }

  /** Opened once per version and site, not with every request. */
  const read = (document: StoredDocument, site: SiteOfIntegration): ManagedIntegration | null => {
    const key = `${document.site}/${document.id}`
    const essence = JSON.stringify([document.version, site.defaultCountry])
    const known = readings.get(key)
    if (known?.essence === essence) return known.made
    const made = make(document, site)
    readings.set(key, { essence, made })
    return made
  }

  const of = (site: string): readonly ManagedIntegration[] => {
    const known = sites().find(({ id }) => id === site)
    if (known === undefined) return []
    return documents.flatMap((document) => {
      const made = document.site === site ? read(document, known) : null
      return made === null ? [] : [made]
    })
  }

  const current = (): readonly Integration[] =>
    sites().flatMap(({ id }) =>
      of(id).flatMap(({ integration }) => (integration === null ? [] : [integration])),
    )

  /** One reading after the other, so that an older one never comes in last. */
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work, work)
    turn = result.catch(() => {})
    return result
  }

  const readAll = async (): Promise<void> => {
    // The version first: what changes in between is read now and again with the next look, never missed.
    const version = await store.documentsVersion()
    documents = await store.documents(kind)
    seenVersion = version
    const here = new Set(documents.map(({ site, id }) => `${site}/${id}`))
    for (const key of readings.keys()) if (!here.has(key)) readings.delete(key)
  }

  const tell = (): void => {
    const inForce = current()
    for (const listener of listeners) listener(inForce)
  }

  const changed = async (change: Promise<Changed>): Promise<Changed> => {
    const answer = await change
    await inTurn(readAll)
    if (answer !== 'conflict') tell()
    return answer
  }

  const put: ManagedIntegrations['put'] = async (site, declaration, expected, entry) => {
    const destination = findDestination(declaration.platform)
    if (destination === null) throw new Error(`there is no platform "${declaration.platform}"`)
    const body = encode(site, declaration, destination, sealer)
    return changed(store.putDocument({ kind, site, id: declaration.id, body }, expected, entry))
  }

  /** So that an old key can be taken off the list after one start with both. */
  const sealAgain = async (): Promise<void> => {
    if (sealer === null) return
    const first = keyOf(sealer.seal('', ''))
    for (const document of documents) {
      const parsed = bodySchema.safeParse(JSON.parse(document.body))
      const sealed = parsed.data?.sealed
      if (sealed === undefined || keyOf(sealed) === first) continue
      const place = placeOf(document.site, document.id)
      const opened = sealer.open(sealed, place)
      if (opened === null) continue
      const body = JSON.stringify({ ...parsed.data, sealed: sealer.seal(opened, place) })
      // A conflict: somebody has just changed it, and has sealed it with the first key.
      await store.putDocument({ ...idOf(document), body }, document.version, {
        at: now(),
        site: document.site,
        who: 'gateway',
        action: 'integration.resealed',
        target: document.id,
        detail: '{}',
      })
    }
  }

  return {
    load: async () => {
      await inTurn(async () => {
        await readAll()
        await sealAgain()
        await readAll()
      })
      for (const document of documents) {
        const site = sites().find(({ id }) => id === document.site)
        const made = site === undefined ? undefined : read(document, site)
        const problem =
          made === null ? 'It was written by another version, or for a platform that is gone.' : made?.problem
        if (problem !== null && problem !== undefined)
          onProblem({ site: document.site, id: document.id, problem })
      }
      return current()
    },
    refresh: async () => {
      const moved = await inTurn(async () => {
        if ((await store.documentsVersion()) === seenVersion) return false
        await readAll()
        return true
      })
      if (moved) tell()
    },
    current,
    keys: () => new Set(documents.map(({ site, id }) => `${site}/${id}`)),
    of,
    put,
    remove: (site, id, expected, entry) => changed(store.deleteDocument({ kind, site, id }, expected, entry)),
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

const idOf = ({ kind, site, id }: StoredDocument) => ({ kind, site, id })

/** Both kinds together. What the rules file declares comes first, and takes the place of one made under the same name. */
export const withManaged = (
  declared: readonly Integration[],
  managed: readonly Integration[],
): readonly Integration[] => {
  const keys = new Set(declared.map(({ key }) => key))
  return [...declared, ...managed.filter(({ key }) => !keys.has(key))]
}
