import { createHash } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { createHostIndex, type HostIndex } from '../capture/hosts.ts'
import type { Certificates } from '../proxy/tls-listener.ts'
import { watchFiles, type FilesWatch, type WatchFilesOptions } from '../watch-files.ts'
import { readPairFiles, type PairFiles, type ReadText } from './files.ts'
import { doubtsAbout, type Pair } from './pair.ts'

/** The certificates in force, by name. Files are watched; a new one is taken for the next handshake. */

/** One certificate and the hosts it is served for, as the rules file writes them. */
export interface Wanted {
  readonly hosts: readonly string[]
  readonly files: PairFiles
  /** It may not be there yet: its absence is nothing to speak of. */
  readonly issued: boolean
}

export interface KeeperLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Keeper {
  readonly certificates: Certificates
  /** Serves these from the next handshake on. A pair that cannot be read leaves the one before in its place. */
  follow(wanted: readonly Wanted[]): void
  /** Looks at the files now. */
  look(): void
  close(): void
}

export interface KeeperOptions extends WatchFilesOptions {
  readonly log: KeeperLog
  readonly readText: ReadText
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** See {@link Certificates.proof}. */
  readonly proof?: (name: string) => SecureContext | null
}

interface Held {
  /** Of what was last read, fit or not. */
  seen: string
  /** In force. */
  pair: Pair | null
}

const keyOf = ({ cert, key }: PairFiles): string => `${cert}\0${key}`

const seenIn = (found: ReturnType<typeof readPairFiles>): string => {
  const hash = createHash('sha256')
  if ('context' in found) hash.update(`${found.cert}\0${found.key}`)
  else for (const { of, message } of found) hash.update(`${of} ${message}\0`)
  return hash.digest('hex')
}

export const createKeeper = (options: KeeperOptions): Keeper => {
  const { log, readText, now, proof } = options
  let wanted: readonly Wanted[] = []
  const held = new Map<string, Held>()
  let index: HostIndex<SecureContext> = createHostIndex([])
  let useNameless: Parameters<Certificates['followNameless']>[0] | null = null
  let watching: FilesWatch | null = null

  const pairOf = ({ files }: Wanted): Pair | null => held.get(keyOf(files))?.pair ?? null

  const compile = (): void => {
    const entries = wanted.flatMap((one) => {
      const pair = pairOf(one)
      return pair === null ? [] : [{ hosts: one.hosts, value: pair.context }]
    })
    index = createHostIndex(entries)
    const any = wanted.find(({ hosts }) => hosts.includes('*'))
    useNameless?.(any === undefined ? null : pairOf(any))
  }

  /** True: what is served has changed. */
  const readOne = ({ files, hosts, issued }: Wanted): boolean => {
    const found = readPairFiles(files, readText)
    const seen = seenIn(found)
    const known = held.get(keyOf(files))
    if (known?.seen === seen) return false
    if (!('context' in found)) {
      held.set(keyOf(files), { seen, pair: known?.pair ?? null })
      const absent = issued && found.every(({ message }) => message.endsWith('there is no such file'))
      if (!absent) {
        const kept = known?.pair != null
        const text = kept
          ? 'the new certificate is refused; the old one is kept'
          : 'a certificate cannot be used'
        log.error({ hosts, ...files, problems: found.map(({ message }) => message) }, text)
      }
      return false
    }
    held.set(keyOf(files), { seen, pair: found })
    const until = new Date(found.notAfter).toISOString()
    if (known !== undefined) log.info({ hosts, cert: files.cert, until }, 'a new certificate is in force')
    for (const doubt of doubtsAbout(found, hosts, now())) log.warn({ hosts, cert: files.cert }, doubt)
    return true
  }

  const look = (): void => {
    if (wanted.map(readOne).includes(true)) compile()
  }

  return {
    certificates: {
      find: (name) => index.find(name),
      followNameless: (use) => {
        useNameless = use
        compile()
      },
      ...(proof === undefined ? {} : { proof }),
    },
    follow(next) {
      wanted = next
      const keys = new Set(next.map(({ files }) => keyOf(files)))
      for (const key of held.keys()) if (!keys.has(key)) held.delete(key)
      for (const one of next) readOne(one)
      compile()
      watching?.close()
      const paths = new Set(next.flatMap(({ files }) => [files.cert, files.key]))
      watching = paths.size === 0 ? null : watchFiles([...paths], look, options)
    },
    look,
    close() {
      watching?.close()
      watching = null
    },
  }
}
