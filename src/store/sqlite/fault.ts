/** What went wrong in the engine, in a form that crosses threads, and whose fault it was. */

/** SQLite's primary result codes that we tell apart: https://sqlite.org/rescode.html (read 2026-11-20). */
export const sqlite = {
  ERROR: 1,
  BUSY: 5,
  READONLY: 8,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  TOOBIG: 18,
  CONSTRAINT: 19,
  MISMATCH: 20,
  RANGE: 25,
  NOTADB: 26,
} as const

export interface Fault {
  /** The engine's words. They name tables and columns, never values. */
  readonly message: string
  /**
   * `call`: this call's own arguments. `full`: no room. `busy`: another process held the lock too long. `engine`: the rest,
   * after which the connection is not to be trusted.
   */
  readonly kind: 'call' | 'full' | 'busy' | 'engine'
}

export const primaryCode = (error: unknown): number | null => {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : null
}

export const faultOf = (error: unknown): Fault => {
  const message = error instanceof Error ? error.message : String(error)
  switch (primaryCode(error)) {
    case null:
    case sqlite.ERROR:
    case sqlite.TOOBIG:
    case sqlite.CONSTRAINT:
    case sqlite.MISMATCH:
    case sqlite.RANGE:
      return { message, kind: 'call' }
    case sqlite.FULL:
      return { message, kind: 'full' }
    case sqlite.BUSY:
      return { message, kind: 'busy' }
    default:
      return { message, kind: 'engine' }
  }
}
