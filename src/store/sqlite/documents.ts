import type { DatabaseSync } from 'node:sqlite'
import type { Changed, DocumentId, StoredDocument } from '../settings.ts'
import { prepareAddAudit } from './audits.ts'
import type { Changes, Reads } from './messages.ts'
import type { Session } from './session.ts'

/** Documents of settings. One counter gives every change its version, so that no version ever means two things. */

const findSql = 'SELECT version FROM document WHERE kind = ? AND site = ? AND id = ?'

/** What both changes share: the right version before, a new one after, and the line in the log. */
const prepareChange = ({ db }: Session) => {
  const find = db.prepare(findSql)
  const next = db.prepare('UPDATE document_version SET version = version + 1 RETURNING version')
  const addAudit = prepareAddAudit(db)

  return (
    { kind, site, id }: DocumentId,
    expected: number | null,
    entry: Changes['audit']['input'],
    write: (version: number) => void,
  ): Changed => {
    const known = (find.get(kind, site, id) as { version: number } | undefined)?.version ?? null
    if (known !== expected) return 'conflict'
    const { version } = next.get() as { version: number }
    write(version)
    addAudit(entry)
    return { version }
  }
}

export const preparePutDocument = (
  session: Session,
): ((input: Changes['putDocument']['input']) => Changed) => {
  const change = prepareChange(session)
  const put = session.db.prepare(
    `INSERT INTO document (kind, site, id, body, version, changed_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (kind, site, id) DO UPDATE
     SET body = excluded.body, version = excluded.version, changed_at = excluded.changed_at`,
  )
  return ({ document, expected, entry }) =>
    change(document, expected, entry, (version) => {
      put.run(document.kind, document.site, document.id, document.body, version, entry.at)
    })
}

export const prepareDeleteDocument = (
  session: Session,
): ((input: Changes['deleteDocument']['input']) => Changed) => {
  const change = prepareChange(session)
  const remove = session.db.prepare('DELETE FROM document WHERE kind = ? AND site = ? AND id = ?')
  return ({ document: { kind, site, id }, expected, entry }) =>
    change({ kind, site, id }, expected, entry, () => void remove.run(kind, site, id))
}

export const prepareDocuments = (
  db: DatabaseSync,
): ((input: Reads['documents']['input']) => readonly StoredDocument[]) => {
  const select = db.prepare(
    `SELECT kind, site, id, body, version, changed_at AS changedAt FROM document
     WHERE kind = :kind AND (:site IS NULL OR site = :site) ORDER BY site, id`,
  )
  return ({ kind, site }) => select.all({ kind, site: site ?? null }) as unknown as StoredDocument[]
}

export const prepareDocumentsVersion = (db: DatabaseSync): (() => number) => {
  const select = db.prepare('SELECT version FROM document_version')
  return () => (select.get() as { version: number }).version
}
