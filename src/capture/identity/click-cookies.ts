import type { ClickIdName } from '../../event/click-ids.ts'
import { nextFbc, parseMetaCookie } from '../meta-cookie.ts'

/** The cookies in which the platforms' own tags keep a click: how they are read, and how we write them for those tags. */

export interface FoundClick {
  readonly value: string
  /** Milliseconds since the epoch; `null` where the cookie does not say. */
  readonly seenAt: number | null
}

export interface ClickToWrite {
  readonly value: string
  readonly seenAt: number
  readonly subdomainIndex: number
}

export interface ClickCookie {
  readonly id: ClickIdName
  readonly cookie: string
  /** Of the value, percent-decoded; what it yields has still to prove an identifier. */
  readonly read: (text: string) => FoundClick | null
  /** As it goes on the wire; `null` where the format cannot carry this click. Absent: we leave this cookie to others. */
  readonly write?: (click: ClickToWrite) => string | null
}

/** Readers decode once, and in an identifier nothing else needs it. */
export const escapePercent = (text: string): string => text.replaceAll('%', '%25')

const seconds = (ms: number): number => Math.floor(ms / 1000)

const plain = (text: string): FoundClick => ({ value: text, seenAt: null })
const writePlain = ({ value }: ClickToWrite): string => escapePercent(value)

/**
 * Google's conversion linker writes `GCL.<seconds>.<id>` or, newer, `2.1.k<id>$i<seconds>`, whose items come in any order
 * (undocumented; real cookies in public code, read 2026-11-20).
 */
const linker = (text: string): FoundClick | null => {
  const older = /^GCL\.(\d{1,12})\.(.+)$/s.exec(text)
  if (older !== null) return { value: older[2] ?? '', seenAt: Number(older[1]) * 1000 }
  const newer = /^2\.\d{1,4}\.(.+)$/s.exec(text)
  const items = new Map((newer?.[1] ?? '').split('$').map((item) => [item.slice(0, 1), item.slice(1)]))
  const id = items.get('k')
  const at = items.get('i') ?? ''
  if (id === undefined) return null
  return { value: id, seenAt: /^\d{1,12}$/.test(at) ? Number(at) * 1000 : null }
}
const writeOlderLinker = ({ value, seenAt }: ClickToWrite): string =>
  `GCL.${seconds(seenAt)}.${escapePercent(value)}`
const writeNewerLinker = ({ value, seenAt }: ClickToWrite): string =>
  `2.1.k${escapePercent(value)}$i${seconds(seenAt)}`

/** `_twclid` is JSON when X's pixel wrote it and the bare id when a server did. */
const twclid = (text: string): FoundClick | null => {
  if (!text.startsWith('{')) return plain(text)
  try {
    const cookie: { twclid?: unknown; timestamp?: unknown } = Object(JSON.parse(text))
    if (typeof cookie.twclid !== 'string') return null
    return {
      value: cookie.twclid,
      seenAt: typeof cookie.timestamp === 'number' ? cookie.timestamp : null,
    }
  } catch {
    return null
  }
}
const writeTwclid = ({ value, seenAt }: ClickToWrite): string =>
  encodeURIComponent(JSON.stringify({ timestamp: seenAt, twclid: value }))

const fbc = (text: string): FoundClick | null => {
  const cookie = parseMetaCookie(text)
  return cookie === null ? null : { value: cookie.payload, seenAt: cookie.createdAt }
}
const writeFbc = ({ value, seenAt, subdomainIndex }: ClickToWrite): string | null => {
  const text = nextFbc(null, value, seenAt, subdomainIndex)
  return text === null ? null : escapePercent(text)
}

/** Microsoft's tag puts `_uet` before the id. */
const uet = (text: string): FoundClick => plain(text.replace(/^_uet/, ''))
const writeUet = ({ value }: ClickToWrite): string => `_uet${escapePercent(value)}`

/**
 * Of several cookies for one id the newest click stands; without times, the first of this list. That `gb` holds wbraid and
 * `ag` gbraid is counter-intuitive, and so.
 */
export const clickCookies: readonly ClickCookie[] = [
  { id: 'fbclid', cookie: '_fbc', read: fbc, write: writeFbc },
  { id: 'gclid', cookie: 'FPGCLAW', read: linker },
  { id: 'gclid', cookie: '_gcl_aw', read: linker, write: writeOlderLinker },
  { id: 'wbraid', cookie: 'FPGCLGB', read: linker },
  { id: 'wbraid', cookie: '_gcl_gb', read: linker, write: writeOlderLinker },
  { id: 'gbraid', cookie: 'FPGCLAG', read: linker },
  { id: 'gbraid', cookie: '_gcl_ag', read: linker, write: writeNewerLinker },
  { id: 'dclid', cookie: '_gcl_dc', read: linker, write: writeOlderLinker },
  { id: 'ttclid', cookie: 'ttclid', read: plain, write: writePlain },
  { id: 'sccid', cookie: '_scclid', read: plain, write: writePlain },
  { id: 'sccid', cookie: 'ScCid', read: plain },
  { id: 'epik', cookie: '_epik', read: plain, write: writePlain },
  { id: 'twclid', cookie: '_twclid', read: twclid, write: writeTwclid },
  { id: 'twclid', cookie: 'twclid', read: twclid },
  { id: 'li_fat_id', cookie: 'li_fat_id', read: plain, write: writePlain },
  { id: 'rdt_cid', cookie: '_rdt_cid', read: plain, write: writePlain },
  { id: 'msclkid', cookie: '_uetmsclkid', read: uet, write: writeUet },
]
