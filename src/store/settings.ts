/**
 * What the API changes and the rules file does not hold: keys, integrations, settings of a site. Documents, because nobody
 * asks the store what is inside them. No change without its line in the audit log: the two are one transaction.
 *
 *     (absent) ──put, expecting null──> version n ──put, expecting n──> version m ──delete──> (absent)
 */

export interface DocumentId {
  /** Such as `key`, `integration`. */
  readonly kind: string
  readonly site: string
  /** Unique within kind and site. */
  readonly id: string
}

export interface StoredDocument extends DocumentId {
  /** JSON; secrets in it are sealed or hashed by whoever wrote it. */
  readonly body: string
  /** Never used twice in one store, also not for a document that was deleted and made again. */
  readonly version: number
  /** Milliseconds since the epoch. */
  readonly changedAt: number
}

/** Who changed what, for people. Secrets are masked by whoever writes it. */
export interface AuditEntry {
  readonly at: number
  readonly site: string
  /** The id of a key; never the key. */
  readonly who: string
  /** Such as `integration.created`. */
  readonly action: string
  /** The id of what was changed. */
  readonly target: string
  /** JSON. */
  readonly detail: string
}

export interface StoredAuditEntry extends AuditEntry {
  readonly entryId: number
}

export interface AuditPage {
  /** Newest first. */
  readonly entries: readonly StoredAuditEntry[]
  /** `null`: the end. */
  readonly nextCursor: string | null
}

/** `conflict`: the document is not at the expected version; nothing was changed, and the log has no line. */
export type Changed = { readonly version: number } | 'conflict'

/** The same promises as `Store`: resolved is committed, a `StoreError` is nothing changed. */
export interface SettingsStore {
  /** In the order of site and id; of one site, or of all. */
  documents(kind: string, site?: string): Promise<readonly StoredDocument[]>
  /** `expected`: the version that is to be replaced; `null`: there must be none yet. */
  putDocument(
    document: DocumentId & { readonly body: string },
    expected: number | null,
    entry: AuditEntry,
  ): Promise<Changed>
  /** Answers the version of the change itself. */
  deleteDocument(document: DocumentId, expected: number, entry: AuditEntry): Promise<Changed>
  /** Moves with every change of any document: whoever follows them asks this often and `documents` seldom. */
  documentsVersion(): Promise<number>
  /** For what is no document's change. The log is append-only. */
  audit(entry: AuditEntry): Promise<void>
  /** At most 500; `cursor` from the page before, stable while entries arrive. */
  audits(site: string, cursor: string | undefined, limit: number): Promise<AuditPage>
}
