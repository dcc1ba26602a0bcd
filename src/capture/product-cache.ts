/** Product facts of pages seen before, for visits whose page cannot be read. Bounded in bytes, entries and time. */
import { LRUCache } from 'lru-cache'
import type { ProductFacts } from './page/facts.ts'

export interface CachedProduct {
  /** `null`: the page was read, and holds no product. */
  readonly facts: ProductFacts | null
  /** Milliseconds since the page was read; shown beside what is taken from here. */
  readonly ageMs: number
  /** The ETag of the page when it was read; while it stays the same, the page need not be read again. */
  readonly etag: string | null
}

export interface PutDetails {
  readonly etag?: string | null | undefined
  /** A site's own, shorter life for facts; 0 keeps nothing. */
  readonly ttlMs?: number | undefined
}

export interface ProductCache {
  /** `key` is what `productKey` gave, `now` is in milliseconds since the epoch. `null`: nothing is known. */
  get(key: string, now: number): CachedProduct | null
  /**
   * Replaces what is there: a page just read is always the fresher one. Only for pages read whole and allowed by
   * `mayCache`; facts of an order cannot be told here at all.
   */
  put(key: string, facts: ProductFacts | null, now: number, details?: PutDetails): void
  clear(): void
  /** Entries. */
  size(): number
  bytes(): number
}

export interface ProductCacheOptions {
  /** 16 MiB. */
  readonly maxBytes?: number
  /** 10 000. */
  readonly maxEntries?: number
  /** From the moment the page was read, however often it is asked for; 24 hours, which is also the most. */
  readonly ttlMs?: number
  /** Of "no product here"; 10 minutes. */
  readonly negativeTtlMs?: number
}

const dayMs = 24 * 60 * 60 * 1000
/** A page that names more than this is not worth a hundred others. */
const maxEntryBytes = 64 * 1024
/** Of the map, the list and the entry's own object. */
const entryOverheadBytes = 200
/** How far a clock may be set back before what it dated counts as out of date. */
const clockSlackMs = 60 * 1000

interface Entry {
  /**
   * JSON: its size is known, nobody can change it, and it is a text of its own, where a fact cut from the page would keep
   * the whole page in memory.
   */
  readonly facts: string | null
  readonly etag: string | null
  readonly readAt: number
  readonly until: number
}

/** Field by field, so that nothing else an object may carry comes along. */
const pack = (facts: ProductFacts): string =>
  JSON.stringify({
    value: facts.value,
    currency: facts.currency,
    contentIds: facts.contentIds,
    contentName: facts.contentName,
    contentCategory: facts.contentCategory,
    source: facts.source,
    origin: facts.origin,
    warnings: facts.warnings,
  } satisfies ProductFacts)

const sizeOf = ({ facts, etag }: Entry, key: string): number =>
  entryOverheadBytes + 2 * (key.length + (facts?.length ?? 0) + (etag?.length ?? 0))

export const createProductCache = (options: ProductCacheOptions = {}): ProductCache => {
  const { maxBytes = 16 * 1024 * 1024, maxEntries = 10_000, negativeTtlMs = 10 * 60 * 1000 } = options
  const longestMs = Math.min(options.ttlMs ?? dayMs, dayMs)
  // Times are checked here and not by the library, whose clock is the system's.
  const entries = new LRUCache<string, Entry>({
    max: maxEntries,
    maxSize: maxBytes,
    maxEntrySize: Math.min(maxEntryBytes, maxBytes),
    sizeCalculation: sizeOf,
  })

  return {
    get(key, now) {
      const entry = entries.get(key)
      if (entry === undefined) return null
      if (now >= entry.until || now < entry.readAt - clockSlackMs) {
        entries.delete(key)
        return null
      }
      return {
        facts: entry.facts === null ? null : (JSON.parse(entry.facts) as ProductFacts),
        ageMs: Math.max(0, now - entry.readAt),
        etag: entry.etag,
      }
    },
    put(key, facts, now, { etag, ttlMs = longestMs } = {}) {
      const lifeMs = Math.min(ttlMs, longestMs, facts === null ? negativeTtlMs : Infinity)
      // The older entry goes even where the new one is not kept: it is known to be out of date.
      entries.delete(key)
      if (!(lifeMs > 0)) return
      entries.set(key, {
        facts: facts === null ? null : pack(facts),
        etag: etag ?? null,
        readAt: now,
        until: now + lifeMs,
      })
    },
    clear: () => entries.clear(),
    size: () => entries.size,
    bytes: () => entries.calculatedSize,
  }
}
