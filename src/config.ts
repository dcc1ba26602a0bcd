import { parseArgs } from 'node:util'
import { BlockList, isIP } from 'node:net'
import { availableParallelism } from 'node:os'

/** Flags and environment to a Config; nobody else reads `process.env`, secrets of the rules file apart. */

export interface Config {
  readonly rules: string
  readonly listen: Address
  /** Absent: nothing is served over TLS. */
  readonly tlsListen?: Address
  /** At a time, from one address; 0: any number. Absent: as the proxy has it. */
  readonly connectionsPerAddress?: number
  /** Of one key. Absent: as the API has it. */
  readonly ingestRequestsPerSecond?: number
  /** Processes that carry traffic; 0 or absent: everything in one process. */
  readonly workers?: number
  readonly store: { readonly engine: 'sqlite'; readonly path: string }
  readonly trustedProxies: readonly string[]
  /** Visitors come only through `trustedProxies`, which say who they are by the PROXY protocol. */
  readonly proxyProtocol?: boolean
  readonly allowPrivateNetworks: readonly string[]
  readonly logLevel: LogLevel
  /** 32 bytes in base64 each; the first seals, all open. Empty: nothing can be sealed. */
  readonly secretKeys: readonly string[]
  readonly retentionDays: number
  /** Absent: no admin listener. */
  readonly admin?: AdminConfig
  /** Absent: failures only. */
  readonly accessLog?: AccessLogWish
}

export interface AdminConfig {
  readonly listen: Address
  /** `null`: only what asks for no key is served. */
  readonly key: string | null
}

/** Which requests leave a line. */
export interface AccessLogWish {
  /** Answers that were no good: 5xx, whoever said it, and those that broke off. */
  readonly failures: boolean
  /** Of all others, from 0 to 1; drawn for each. */
  readonly share: number
  /** Whether the visitor's address is written. It is personal data, so only if asked for. */
  readonly addresses: boolean
}

export interface Address {
  readonly host: string
  readonly port: number
  /** Beside other processes of ours. */
  readonly reusePort?: boolean
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** The user wrote something a command cannot take: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** The environment or a file does not allow what was asked: exit code 78, and a message that says what would be right. */
export class ConfigurationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigurationError'
  }
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a program that embeds us has its secrets, unless it says otherwise. */
export const ownEnvironment = (): Environment => process.env

const flags = {
  rules: { env: 'SLUICE_RULES', fallback: 'rules.json' },
  listen: { env: 'SLUICE_LISTEN', fallback: ':8080' },
  'tls-listen': { env: 'SLUICE_TLS_LISTEN', fallback: 'off' },
  'connections-per-address': { env: 'SLUICE_CONNECTIONS_PER_ADDRESS', fallback: '1024' },
  'admin-listen': { env: 'SLUICE_ADMIN_LISTEN', fallback: '127.0.0.1:9090' },
  'ingest-requests-per-second': { env: 'SLUICE_INGEST_REQUESTS_PER_SECOND', fallback: '500' },
  workers: { env: 'SLUICE_WORKERS', fallback: 'auto' },
  store: { env: 'SLUICE_STORE', fallback: 'sqlite:./data/sluice.db' },
  'trusted-proxies': { env: 'SLUICE_TRUSTED_PROXIES', fallback: '' },
  'proxy-protocol': { env: 'SLUICE_PROXY_PROTOCOL', fallback: 'off' },
  'allow-private-networks': { env: 'SLUICE_ALLOW_PRIVATE_NETWORKS', fallback: '' },
  'log-level': { env: 'SLUICE_LOG_LEVEL', fallback: 'info' },
  'access-log': { env: 'SLUICE_ACCESS_LOG', fallback: 'errors' },
  'retention-days': { env: 'SLUICE_RETENTION_DAYS', fallback: '30' },
} as const
type Flag = keyof typeof flags

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`. */
const parseAddress = (text: string, source: string): Address => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535)
    throw new UsageError(
      `${source}: "${text}" is no address to listen on; write it as :8080 or 127.0.0.1:8080`,
    )
  const host = match[1] ?? match[2] ?? ''
  return { host: host === '' ? '::' : host, port }
}

const shortestKey = 16

/** Where everybody can knock, a door needs a lock. */
const parseAdmin = (text: string, source: string, key: string | undefined): AdminConfig | null => {
  if (text === 'off') return null
  const listen = parseAddress(text, source)
  if (key !== undefined && key.length < shortestKey)
    throw new ConfigurationError(
      `SLUICE_ADMIN_KEY: a key of fewer than ${shortestKey} characters can be guessed; make one with: openssl rand -base64 32`,
    )
  if (key === undefined && !isLoopback(listen.host))
    throw new ConfigurationError(
      `${source}: ${text} can be reached from elsewhere, so SLUICE_ADMIN_KEY must be set; or listen on 127.0.0.1, or set it to off`,
    )
  return { listen, key: key ?? null }
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

const parseCidrs = (text: string, source: string): readonly string[] =>
  text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => {
      const [address = '', bits] = part.split('/')
      const family = isIP(address)
      const width = family === 6 ? 128 : 32
      const prefix = bits === undefined ? width : Number(bits)
      if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > width || bits === '')
        throw new UsageError(`${source}: "${part}" is no network; write it as 10.0.0.0/8 or 2001:db8::/32`)
      new BlockList().addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
      return `${address}/${prefix}`
    })

const parseStore = (text: string, source: string): Config['store'] => {
  if (text.startsWith('sqlite:') && text.length > 'sqlite:'.length)
    return { engine: 'sqlite', path: text.slice('sqlite:'.length) }
  throw new UsageError(
    `${source}: "${text}" is no store this version has; write it as sqlite:./data/sluice.db`,
  )
}

const parseConnections = (text: string, source: string): number => {
  const connections = Number(text)
  if (text.trim() === '' || !Number.isInteger(connections) || connections < 0 || connections > 1_000_000)
    throw new UsageError(`${source}: "${text}" is no number of connections; 0 means any number`)
  return connections
}

const parseRequests = (text: string, source: string): number => {
  const requests = Number(text)
  if (!Number.isInteger(requests) || requests < 1 || requests > 100_000)
    throw new UsageError(`${source}: "${text}" is no number of requests between 1 and 100000`)
  return requests
}

/** One per core unless a number is given. */
const parseWorkers = (text: string, source: string): number => {
  if (text === 'auto') return availableParallelism()
  const workers = Number(text)
  if (text.trim() === '' || !Number.isInteger(workers) || workers < 0 || workers > 256)
    throw new UsageError(
      `${source}: "${text}" is no number of processes; write auto for one per core, or 0 to 256, where 0 is everything in one process`,
    )
  return workers
}

const parseProxyProtocol = (text: string, source: string, trustedProxies: readonly string[]): boolean => {
  if (text !== 'on' && text !== 'off') throw new UsageError(`${source}: "${text}" is neither on nor off`)
  if (text === 'on' && trustedProxies.length === 0)
    throw new UsageError(
      `${source}: only proxies that are trusted may say who comes; name them in --trusted-proxies, as 10.0.0.0/8`,
    )
  return text === 'on'
}

const parseLevel = (text: string, source: string): LogLevel => {
  const level = logLevels.find((one) => one === text)
  if (level === undefined) throw new UsageError(`${source}: "${text}" is none of ${logLevels.join(', ')}`)
  return level
}

/** `off`, `errors`, `all` or a share such as `0.1` (then failures too), each with `,ip`. */
const parseAccess = (text: string, source: string): AccessLogWish => {
  const { amount, extra } = /^(?<amount>off|errors|all|0?\.\d+)(?<extra>,ip)?$/.exec(text)?.groups ?? {}
  if (amount === undefined)
    throw new UsageError(
      `${source}: "${text}" is none of off, errors, all, or a share such as 0.1; with ,ip behind it addresses are written too`,
    )
  const share = amount === 'all' ? 1 : amount === 'off' || amount === 'errors' ? 0 : Number(amount)
  return { failures: amount !== 'off', share, addresses: extra !== undefined }
}

const parseDays = (text: string, source: string): number => {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1 || days > 3650)
    throw new UsageError(`${source}: "${text}" is no number of days between 1 and 3650`)
  return days
}

/** Where a command finds the store that `start` uses. */
export const readStorePath = (
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string =>
  flag === undefined
    ? parseStore(env[flags.store.env] ?? flags.store.fallback, flags.store.env).path
    : parseStore(flag, '--store').path

/** @throws UsageError in one sentence that names the flag or variable and the right form. */
export const readConfig = (
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config => {
  const { values } = parseFlags(args, Object.keys(flags))
  const adminKey = env['SLUICE_ADMIN_KEY']
  const setting = (flag: Flag): readonly [text: string, source: string] => {
    const given = values[flag]
    if (typeof given === 'string') return [given, `--${flag}`]
    const { env: name, fallback } = flags[flag]
    return [env[name] ?? fallback, name]
  }
  const [tlsListen, tlsSource] = setting('tls-listen')
  const admin = parseAdmin(...setting('admin-listen'), adminKey === '' ? undefined : adminKey)
  const trustedProxies = parseCidrs(...setting('trusted-proxies'))
  return {
    ...(admin === null ? {} : { admin }),
    rules: setting('rules')[0],
    listen: parseAddress(...setting('listen')),
    ...(tlsListen === 'off' ? {} : { tlsListen: parseAddress(tlsListen, tlsSource) }),
    connectionsPerAddress: parseConnections(...setting('connections-per-address')),
    ingestRequestsPerSecond: parseRequests(...setting('ingest-requests-per-second')),
    workers: parseWorkers(...setting('workers')),
    store: parseStore(...setting('store')),
    trustedProxies,
    proxyProtocol: parseProxyProtocol(...setting('proxy-protocol'), trustedProxies),
    allowPrivateNetworks: parseCidrs(...setting('allow-private-networks')),
    logLevel: parseLevel(...setting('log-level')),
    secretKeys: (env['SLUICE_SECRET_KEY'] ?? '').split(/[\s,]+/).filter((key) => key !== ''),
    retentionDays: parseDays(...setting('retention-days')),
    accessLog: parseAccess(...setting('access-log')),
  }
}

/** String flags (and booleans by name) of one command; anything else is a usage error. */
export const parseFlags = (
  args: readonly string[],
  strings: readonly string[],
  options: {
    readonly booleans?: readonly string[]
    readonly multiple?: readonly string[]
    readonly positionals?: number
  } = {},
): {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
} => {
  const { booleans = [], multiple = [], positionals: allowed = 0 } = options
  try {
    const parsed = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: Object.fromEntries([
        ...strings.map((name) => [name, { type: 'string' as const }]),
        ...multiple.map((name) => [name, { type: 'string' as const, multiple: true }]),
        ...booleans.map((name) => [name, { type: 'boolean' as const }]),
      ]),
    })
    if (parsed.positionals.length > allowed)
      throw new UsageError(`unexpected "${parsed.positionals[allowed]}"`)
    return parsed
  } catch (error) {
    if (error instanceof UsageError) throw error
    const known = [...strings, ...multiple, ...booleans].map((name) => `--${name}`).join(' ')
    const reason = error instanceof Error ? error.message.split('. ')[0] : String(error)
    throw new UsageError(`${reason}${known === '' ? '' : `; known flags: ${known}`}`)
  }
}
