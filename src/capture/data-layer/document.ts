import { createTagScanner, readAttributes } from '../page/attributes.ts'
import { detectCharset } from '../page/charset.ts'
import { hashSeed, hashStep, kindOf, PLAIN, VOID } from '../page/tags.ts'
import { wide } from './wide.ts'

/**
 * Watches a page as it passes, in whatever pieces, for the one question of what may follow its last byte: whether it is a
 * document at all, in which charset, under which policies of its own, and whether a script at its end would be one, or the
 * rest of a comment, of an attribute, of a text field.
 *
 * The tokenizer of HTML (WHATWG 13.2.5) as far as that needs it.
 */
export interface DocumentWatch {
  push(bytes: Uint8Array): void
  /** As it stands behind the bytes so far. */
  seen(): DocumentSeen
}

export interface DocumentSeen {
  /** It begins with a doctype or `<html>`: no fragment that a script asked for. */
  readonly document: boolean
  /** What follows is read as markup. */
  readonly closed: boolean
  /** `null`: a script cannot be written in it. */
  readonly charset: 'ascii' | 'utf-16le' | 'utf-16be' | null
  /** Of meta tags. */
  readonly policies: readonly string[]
}

const LT = 0x3c
const GT = 0x3e
const SLASH = 0x2f
const BANG = 0x21
const QUESTION = 0x3f
const DASH = 0x2d
const EQUALS = 0x3d
const DOUBLE = 0x22
const SINGLE = 0x27

type State =
  | 'text'
  | 'lt'
  | 'end-lt'
  | 'bang'
  | 'bogus'
  | 'comment'
  | 'comment-bang'
  | 'name'
  | 'in-tag'
  | 'attribute'
  | 'before-value'
  | 'quoted'
  | 'unquoted'
  | 'raw'
  | 'plaintext'

/** Elements whose content is text up to their own end tag. `noscript` is one where scripts run, and only there we matter. */
const rawElements: ReadonlySet<string> = new Set(
  'script style textarea title xmp iframe noembed noframes noscript'.split(' '),
)

const longestName = 16
/** Of one meta tag; a policy that does not fit is one that nobody read. */
const longestMeta = 16_384
const mostPolicies = 16

const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x0d || byte === 0x0c

const isLetter = (byte: number): boolean => {
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

/** A policy that permits nothing stands for one that could not be read. */
const unreadPolicy = "default-src 'none'"

const metaOf = (inside: Buffer): { readonly policy: string | null; readonly charset: string | null } => {
  const values = new Map(
    readAttributes(inside, 0, inside.length).map(({ name, from, to }) => [
      name,
      inside.toString('latin1', from, to).trim(),
    ]),
  )
  const content = values.get('content') ?? ''
  const equiv = values.get('http-equiv')?.toLowerCase()
  const named = equiv === 'content-type' ? /charset\s*=\s*["']?([\w:.-]+)/i.exec(content)?.[1] : undefined
  return {
    // Character references in a policy would need decoding, and have no business there.
    policy:
      equiv === 'content-security-policy'
        ? content.replaceAll('&#39;', "'").replaceAll('&#x27;', "'").replaceAll('&quot;', '"')
        : null,
    charset: values.get('charset') ?? named ?? null,
  }
}

/** Its bytes change meaning after an escape sequence, and the page may end behind one. */
const isStateful = (label: string): boolean => {
  try {
    return new TextDecoder(label).encoding === 'iso-2022-jp'
  } catch {
    return false
  }
}

const math = [...Buffer.from('math')].reduce(hashStep, hashSeed)

/**
 * Behind a tag that lies wholly in this piece and changes nothing, as nearly all do; else where it was. `at` is its `<`.
 */
const ordinaryTag = (bytes: Buffer, at: number, tags: ReturnType<typeof createTagScanner>): number => {
  let from = at + 1
  if (bytes[from] === SLASH) from += 1
  const begin = from
  let hash = hashSeed
  for (; from < bytes.length; from += 1) {
    const byte = bytes[from] as number
    if (from === begin ? !isLetter(byte) : isSpace(byte) || byte === SLASH || byte === GT) break
    hash = hashStep(hash, byte)
  }
  const kind = kindOf(hash)
  if (from === begin || from === bytes.length || hash === math || (kind !== PLAIN && kind !== VOID)) return at
  return Math.max(tags.end(from), at)
}

/** `header`: the charset of the Content-Type; `null` without one. */
export const watchDocument = (header: string | null): DocumentWatch => {
  let state: State = 'text'
  /** Decided by the first thing that is neither space nor comment. */
  let document: boolean | null = null
  let name = ''
  let isEnd = false
  let quote = 0
  let dashes = 0
  let fresh = false
  let selfClosing = false
  /** Of the raw element that is open. */
  let open = ''
  /** Since the last `<` in it. */
  let word = ''
  /** In a script: 1 behind `<!--`, 2 behind a `<script` behind that. */
  let hidden = 0
  /** Inside svg and math the raw elements are ordinary ones and may close themselves. */
  let foreign = 0
  let meta: number[] | null = null
  const policies: string[] = []
  let stateful = false
  let charset: DocumentSeen['charset'] = null
  let fold: ((bytes: Uint8Array) => Buffer) | null = null
  let head: Buffer | null = Buffer.alloc(0)

  const decide = (is: boolean): void => {
    document ??= is
  }

  const endMeta = (inside: number[]): void => {
    const read =
      inside.length > longestMeta ? { policy: unreadPolicy, charset: null } : metaOf(Buffer.from(inside))
    if (read.policy !== null) policies.push(policies.length < mostPolicies ? read.policy : unreadPolicy)
    if (read.charset !== null && isStateful(read.charset)) stateful = true
  }

  const endTag = (): void => {
    if (meta !== null) endMeta(meta)
    meta = null
    state = 'text'
    if (name === 'svg' || name === 'math') {
      if (isEnd) foreign = Math.max(foreign - 1, 0)
      else if (!selfClosing) foreign += 1
    }
    if (isEnd || (foreign > 0 && selfClosing)) return
    if (name === 'plaintext' && foreign === 0) state = 'plaintext'
    if (!rawElements.has(name)) return
    state = 'raw'
    open = name
    word = ''
    hidden = 0
    dashes = 0
  }

  const beginTag = (end: boolean): void => {
    state = 'name'
    name = ''
    isEnd = end
    selfClosing = false
  }

  const endName = (): void => {
    if (!isEnd) decide(name === 'html')
    if (name === 'meta' && !isEnd) meta = []
  }

  /**
   * Raw content ends with its own end tag. In a script `<!--` hides a second one: `<!--<script></script>` is still inside
   * (WHATWG 13.2.5.15 to 13.2.5.31).
   */
  const passRaw = (byte: number): void => {
    const ends = isSpace(byte) || byte === SLASH || byte === GT
    if (ends && word === `</${open}`) {
      if (hidden < 2) {
        beginTag(true)
        name = open
        state = 'in-tag'
        pass(byte)
        return
      }
      hidden = 1
    } else if (ends && hidden === 1 && word === '<script') hidden = 2
    if (byte === LT) word = '<'
    else if (word !== '')
      word = word.length > longestName ? '' : word + String.fromCharCode(byte).toLowerCase()
    if (open !== 'script') return
    if (hidden > 0 && byte === GT && dashes >= 2) hidden = 0
    dashes = byte === DASH ? dashes + 1 : 0
    if (hidden === 0 && word === '<!--') {
      hidden = 1
      dashes = 2
    }
  }

  /** WHATWG 13.2.5.43 to 13.2.5.51: `-->`, `--!>`, and right behind its beginning `>` and `->` as well. */
  const passComment = (byte: number): void => {
    if (byte === GT && (dashes >= 2 || fresh)) state = 'text'
    else if (byte === BANG && dashes >= 2) state = 'comment-bang'
    dashes = byte === DASH ? dashes + 1 : 0
    fresh &&= byte === DASH
  }

  const passBang = (byte: number): void => {
    name += String.fromCharCode(byte).toLowerCase()
    if (name === '--') {
      state = 'comment'
      dashes = 0
      fresh = true
    } else if (name === 'doctype') {
      decide(true)
      state = 'bogus'
    } else if (byte === GT) state = 'text'
    else if (name !== '-' && !'doctype'.startsWith(name)) state = 'bogus'
  }

  const pass = (byte: number): void => {
    switch (state) {
      case 'text':
        if (byte === LT) state = 'lt'
        else if (!isSpace(byte)) decide(false)
        return
      case 'lt':
        if (byte === BANG) {
          state = 'bang'
          name = ''
        } else if (byte === SLASH) state = 'end-lt'
        else if (byte === QUESTION) state = 'bogus'
        else if (isLetter(byte)) {
          beginTag(false)
          pass(byte)
        } else {
          decide(false)
          state = 'text'
          pass(byte)
        }
        return
      case 'end-lt':
        if (isLetter(byte)) {
          beginTag(true)
          pass(byte)
        } else state = byte === GT ? 'text' : 'bogus'
        return
      case 'bang':
        passBang(byte)
        return
      case 'bogus':
        if (byte === GT) state = 'text'
        return
      case 'comment':
        passComment(byte)
        return
      case 'comment-bang':
        if (byte === GT) state = 'text'
        else {
          state = 'comment'
          passComment(byte)
        }
        return
      case 'name':
        if (isSpace(byte) || byte === SLASH || byte === GT) {
          endName()
          state = 'in-tag'
          pass(byte)
        } else if (name.length <= longestName) name += String.fromCharCode(byte).toLowerCase()
        return
      case 'in-tag':
        if (byte === GT) return endTag()
        if (byte === SLASH) selfClosing = true
        else if (!isSpace(byte)) {
          selfClosing = false
          state = 'attribute'
        }
        return
      case 'attribute':
        if (byte === GT) return endTag()
        if (byte === EQUALS) state = 'before-value'
        else if (byte === SLASH) {
          selfClosing = true
          state = 'in-tag'
        }
        return
      case 'before-value':
        if (byte === DOUBLE || byte === SINGLE) {
          quote = byte
          state = 'quoted'
        } else if (byte === GT) endTag()
        else if (!isSpace(byte)) state = 'unquoted'
        return
      case 'quoted':
        if (byte === quote) state = 'in-tag'
        return
      case 'unquoted':
        if (byte === GT) endTag()
        else if (isSpace(byte)) state = 'in-tag'
        return
      case 'raw':
        passRaw(byte)
        return
      case 'plaintext':
        return
    }
  }

  const awaited = (): number | null => {
    if (state === 'text' || (state === 'raw' && word === '' && hidden === 0)) return LT
    if (state === 'quoted') return quote
    if (state === 'comment' && !fresh && dashes === 0) return DASH
    return state === 'bogus' ? GT : null
  }

  /** Where nothing happens before a certain byte, on to that byte; the end of the piece when it is not there. */
  const skip = (bytes: Buffer, at: number): number => {
    if (meta !== null || document === null) return at
    if (state === 'plaintext') return bytes.length
    const wanted = awaited()
    const found = wanted === null ? at : bytes.indexOf(wanted, at)
    return found < 0 ? bytes.length : found
  }

  const walk = (bytes: Buffer): void => {
    const tags = createTagScanner(bytes)
    for (let at = skip(bytes, 0); at < bytes.length; at = skip(bytes, at + 1)) {
      if (state === 'text' && document !== null) {
        const end = ordinaryTag(bytes, at, tags)
        if (end > at) {
          at = end - 1
          continue
        }
      }
      const byte = bytes[at] as number
      if (meta !== null && meta.length <= longestMeta && (byte !== GT || state === 'quoted')) meta.push(byte)
      pass(byte)
    }
  }

  /** The charset is told by the first bytes: a byte order mark, or the head's word, or neither. */
  const begin = (first: Buffer): void => {
    head = null
    const { label, skip: mark } = detectCharset(first, header)
    if (label === 'utf-16le' || label === 'utf-16be') {
      charset = label
      fold = wide(label)
    } else {
      charset = 'ascii'
      stateful = label === 'iso-2022-jp'
    }
    const rest = first.subarray(mark)
    walk(fold === null ? rest : fold(rest))
  }

  return {
    push: (bytes) => {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      if (head === null) {
        walk(fold === null ? buffer : fold(buffer))
        return
      }
      // As many as a byte order mark has.
      head = Buffer.concat([head, buffer])
      if (head.length >= 3) begin(head)
    },
    seen: () => ({
      document: document === true,
      closed: state === 'text',
      charset: stateful ? null : charset,
      policies,
    }),
  }
}
