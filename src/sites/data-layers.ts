import type { AuditEntry, Changed, SettingsStore, StoredDocument } from '../store/settings.ts'
import { dataLayerSchema, defaultDataLayer, type DataLayerSettings } from './data-layer.ts'

/**
 * The data layer settings of all sites as they are in force now. What the rules file declares holds; for other sites, what
 * the API has put into the store.
 */

export interface DataLayerInForce {
  readonly settings: DataLayerSettings
  /** By the rules file: the API cannot change it. */
  readonly declared: boolean
  /** Of the settings in the store; `null`: there are none, or they do not count. */
  readonly version: number | null
}

export interface DataLayers {
  /** Asked for every page that may fire: a look into a map. */
  of(site: string): DataLayerInForce
  /** Reads them from the store. */
  load(): Promise<void>
  /** Reads them anew if another process changed something since. */
  refresh(): Promise<void>
  /** In force when it resolves. */
  put(site: string, settings: DataLayerSettings, expected: number | null, entry: AuditEntry): Promise<Changed>
  /** `listener` is called after every change made here: other processes are to read anew. */
  onChange(listener: () => void): void
}

const kind = 'data-layer'
const id = 'settings'

const nothing: DataLayerInForce = { settings: defaultDataLayer, declared: false, version: null }

/** Written by this file, by an older version of it perhaps: what cannot be read any more tells nothing to any page. */
const decode = ({ body, version }: StoredDocument): DataLayerInForce => {
  const parsed = dataLayerSchema.safeParse(JSON.parse(body))
  return { settings: parsed.data ?? defaultDataLayer, declared: false, version }
}

export const createDataLayers = ({
  store,
  declared,
}: {
  readonly store: SettingsStore
  /** What the rules file in force says of a site; `null`: nothing. */
  readonly declared: (site: string) => DataLayerSettings | null
}): DataLayers => {
  let stored: ReadonlyMap<string, DataLayerInForce> = new Map()
  let seenVersion = -1
  const listeners: (() => void)[] = []

  /** One reading after the other, so that an older one never comes in last. */
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const result = turn.then(work, work)
    turn = result.catch(() => {})
    return result
  }

  const load = async (): Promise<void> => {
    // The version first: what changes in between is read now and again with the next look, never missed.
    const version = await store.documentsVersion()
    const documents = await store.documents(kind)
    stored = new Map(documents.map((document) => [document.site, decode(document)]))
    seenVersion = version
  }

  return {
    of: (site) => {
      const settings = declared(site)
      return settings === null ? (stored.get(site) ?? nothing) : { settings, declared: true, version: null }
    },
    load: () => inTurn(load),
    refresh: () =>
      inTurn(async () => {
        if ((await store.documentsVersion()) !== seenVersion) await load()
      }),
    put: async (site, settings, expected, entry) => {
      const changed = await store.putDocument(
        { kind, site, id, body: JSON.stringify(settings) },
        expected,
        entry,
      )
      await inTurn(load)
      if (changed !== 'conflict') for (const tell of listeners) tell()
      return changed
    },
    onChange: (listener) => void listeners.push(listener),
  }
}
