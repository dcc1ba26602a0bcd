import type { DatabaseSync } from 'node:sqlite'
import type { AuditEntry, AuditPage, StoredAuditEntry } from '../settings.ts'
import type { Reads } from './messages.ts'

/** The audit log: written once, read in pages, never changed (the table's own triggers see to that). */

export const prepareAddAudit = (db: DatabaseSync): ((entry: AuditEntry) => null) => {
  const add = db.prepare(
    'INSERT INTO audit (at, site, who, action, target, detail) VALUES (?, ?, ?, ?, ?, ?)',
  )
  return ({ at, site, who, action, target, detail }) => {
    add.run(at, site, who, action, target, detail)
    return null
  }
}

const maxLimit = 500

export const prepareAudits = (db: DatabaseSync): ((input: Reads['audits']['input']) => AuditPage) => {
  const select = db.prepare(
    `SELECT id AS entryId, at, site, who, action, target, detail FROM audit
     WHERE site = ? AND id < ? ORDER BY id DESC LIMIT ?`,
  )
  return ({ site, cursor, limit }) => {
    const before = /^\d{1,15}$/.test(cursor ?? '') ? Number(cursor) : Number.MAX_SAFE_INTEGER
    const most = Math.max(1, Math.min(maxLimit, Math.trunc(limit)))
    const entries = select.all(site, before, most) as unknown as StoredAuditEntry[]
    const last = entries.length === most ? entries.at(-1) : undefined
    return { entries, nextCursor: last === undefined ? null : String(last.entryId) }
  }
}
