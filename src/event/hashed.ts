import { hash as digest } from 'node:crypto'
import type { Brand } from './brand.ts'

/** An identifier brought into the form a platform hashes. Only such a text can be hashed. */
export type Normalised = Brand<string, 'Normalised'>
/** SHA-256 in 64 lower-case hex digits, or such a value as the sender gave it. Nothing can hash it again. */
export type Hashed = Brand<string, 'Hashed'>

const sha256Hex = /^[0-9a-f]{64}$/i

/** SHA-256 over the UTF-8 bytes. */
export const hash = (text: Normalised): Hashed => digest('sha256', text, 'hex') as Hashed

/** A value that came already hashed, in lower case; `null` for anything else. */
export const alreadyHashed = (raw: string): Hashed | null => {
  const text = raw.trim()
  return sha256Hex.test(text) ? (text.toLowerCase() as Hashed) : null
}
