import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Where secrets come from, how they lie on the disk, and how they are compared. */

export type SecretReference = { readonly $env: string } | { readonly $file: string }

export type ResolvedSecret = { readonly value: string } | { readonly problem: string }

/** Exactly one key, `$env` or `$file`, with a text. */
export const isSecretReference = (value: unknown): value is SecretReference => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const [[key, text] = [], ...more] = Object.entries(value)
  return more.length === 0 && (key === '$env' || key === '$file') && typeof text === 'string'
}

const fileProblems: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read',
  EPERM: 'may not be read',
  EISDIR: 'is a directory',
}

/**
 * The secret itself. Of a file the line break at its end is dropped, because editors and `echo` write one that nobody meant.
 * `readFile` throws as `node:fs` does. A problem names the place and never the value.
 */
export const resolveSecret = (
  reference: SecretReference,
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): ResolvedSecret => {
  if ('$env' in reference) {
    const value = env[reference.$env]
    if (value === undefined) return { problem: `the environment variable ${reference.$env} is not set` }
    return value === '' ? { problem: `the environment variable ${reference.$env} is empty` } : { value }
  }
  let text: string
  try {
    text = readFile(reference.$file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    return { problem: `the file ${reference.$file} ${fileProblems[code] ?? 'cannot be read'}` }
  }
  const value = text.replace(/[\r\n]+$/, '')
  return value === '' ? { problem: `the file ${reference.$file} is empty` } : { value }
}

export interface Sealer {
  /** `associated` says what the text belongs to; a seal moved to another place does not open there. */
  seal(plaintext: string, associated: string): string
  /** `null`: not sealed by any of the keys, for something else, or touched since. */
  open(sealed: string, associated: string): string | null
}

const version = 'v1'
const keyBytes = 32
/** 96 random bits: with one key some four thousand million seals are safe (NIST SP 800-38D 8.3). */
const nonceBytes = 12
const tagBytes = 16

interface Key {
  readonly id: string
  readonly bytes: Buffer
}

/** Says which key sealed, and nothing about the key. */
const keyId = (bytes: Buffer): string =>
  createHash('sha256').update('sluice key id\0').update(bytes).digest('hex').slice(0, 8)

const readKey = (text: string, position: number): Key => {
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0)
  if (bytes.length !== keyBytes)
    throw new Error(
      `secret key ${position + 1} is not ${keyBytes} bytes in base64; make one with: openssl rand -base64 ${keyBytes}`,
    )
  return { id: keyId(bytes), bytes }
}

/** Length-prefixed by the version and the key's fixed-length id, so no two places share a text. */
const associatedData = (id: string, associated: string): Buffer =>
  Buffer.from(`${version}.${id}.${associated}`, 'utf8')

/**
 * AES-256-GCM, as `v1.<key id>.<nonce>.<ciphertext and tag>` with the last two in base64url. Keys are 32 bytes in base64: the
 * first seals, all open, so a key is changed by putting the new one in front. Throws, naming the position, on a key that is
 * none, and on an empty list.
 */
export const createSealer = (
  keys: readonly string[],
  random: (bytes: number) => Buffer = randomBytes,
): Sealer => {
  const all = keys.map(readKey)
  const [first] = all
  if (first === undefined) throw new Error('a secret key is needed to seal anything')

  const openWith = (key: Key, nonce: Buffer, box: Buffer, associated: string): string | null => {
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagBytes })
    decipher.setAAD(associatedData(key.id, associated))
    decipher.setAuthTag(box.subarray(-tagBytes))
    try {
      return Buffer.concat([decipher.update(box.subarray(0, -tagBytes)), decipher.final()]).toString('utf8')
    } catch {
      return null
    }
  }

  return {
    seal: (plaintext, associated) => {
      const nonce = random(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', first.bytes, nonce, { authTagLength: tagBytes })
      cipher.setAAD(associatedData(first.id, associated))
      const box = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return [version, first.id, nonce.toString('base64url'), box.toString('base64url')].join('.')
    },
    open: (sealed, associated) => {
      const [kind, id, nonceText, boxText, ...more] = sealed.split('.')
      if (kind !== version || nonceText === undefined || boxText === undefined || more.length > 0) return null
      const nonce = Buffer.from(nonceText, 'base64url')
      const box = Buffer.from(boxText, 'base64url')
      // base64 has several spellings of some bytes; only the one we write is a seal of ours.
      if (nonce.toString('base64url') !== nonceText || box.toString('base64url') !== boxText) return null
      if (nonce.length !== nonceBytes || box.length < tagBytes) return null
      for (const key of all) {
        if (key.id !== id) continue
        const opened = openWith(key, nonce, box, associated)
        if (opened !== null) return opened
      }
      return null
    },
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()

/** In constant time: how long it takes says neither where two keys differ nor how long they are. */
export const sameSecret = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
