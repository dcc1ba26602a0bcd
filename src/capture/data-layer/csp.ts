import { isNonce, loader, type Way } from './script.ts'

/**
 * Which way of running a script a page's Content Security Policy permits (w3.org/TR/CSP3). Nothing is added to a policy: it
 * is the site's own word. A page may have several, in header lines, in lists within them and in meta tags, and all must
 * agree.
 */

/** Directive to its values. */
export type Policy = ReadonlyMap<string, readonly string[]>

/** `values`: of the header's lines, or of a meta tag. */
export const readPolicies = (values: readonly string[]): readonly Policy[] =>
  values
    .flatMap((value) => value.split(','))
    .map((text) => {
      const policy = new Map<string, readonly string[]>()
      for (const directive of text.split(';')) {
        const [name, ...tokens] = directive.trim().split(/[\t\n\f\r ]+/)
        const key = (name ?? '').toLowerCase()
        // Of a directive given twice the first counts.
        if (key !== '' && !policy.has(key)) policy.set(key, tokens)
      }
      return policy
    })
    .filter((policy) => policy.size > 0)

/** `null`: the policy says nothing of scripts. */
const sourcesOf = (policy: Policy): readonly string[] | null =>
  policy.get('script-src-elem') ?? policy.get('script-src') ?? policy.get('default-src') ?? null

const keyword = (sources: readonly string[], word: string): boolean =>
  sources.some((source) => source.toLowerCase() === word)

const nonceIn = (source: string): string | null => /^'nonce-(.+)'$/i.exec(source)?.[1] ?? null

const isHash = (source: string): boolean => /^'sha(?:256|384|512)-/i.test(source)

const sandboxed = (policy: Policy): boolean => {
  const flags = policy.get('sandbox')
  return flags !== undefined && !keyword(flags, 'allow-scripts')
}

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/** CSP 3, "match a url-source": a source may be met by the same or by a more secure scheme. */
const schemeMatches = (wanted: string, scheme: string): boolean =>
  wanted === scheme || (wanted === 'http:' && scheme === 'https:')

const hostSource =
  /^(?:([a-z][a-z0-9+.-]*:)\/\/)?(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(\d+|\*))?(\/[^?#]*)?$/i

const sourceMatches = (source: string, file: URL): boolean => {
  const lower = source.toLowerCase()
  if (lower === "'self'" || lower === '*') return true
  if (/^[a-z][a-z0-9+.-]*:$/.test(lower)) return schemeMatches(lower, file.protocol)
  const [, scheme, host = '', port, path] = hostSource.exec(source) ?? []
  if (host === '') return false
  const name = host.toLowerCase()
  const hostMatches =
    name === '*' || (name.startsWith('*.') ? file.hostname.endsWith(name.slice(1)) : file.hostname === name)
  const ownPort = file.port === '' ? defaultPorts[file.protocol] : file.port
  const portMatches = port === undefined ? file.port === '' : port === '*' || port === ownPort
  const pathMatches =
    path === undefined ||
    path === '/' ||
    (path.endsWith('/') ? file.pathname.startsWith(path) : file.pathname === path)
  return (
    hostMatches &&
    portMatches &&
    pathMatches &&
    (scheme === undefined || schemeMatches(scheme.toLowerCase(), file.protocol))
  )
}

const permitsInline = (sources: readonly string[]): boolean =>
  keyword(sources, "'unsafe-inline'") &&
  !keyword(sources, "'strict-dynamic'") &&
  !sources.some((source) => nonceIn(source) !== null || isHash(source))

const permitsFile = (sources: readonly string[], file: URL): boolean =>
  sources.some((source) => source === `'${loader.integrity}'`) ||
  // With 'strict-dynamic' only nonces and hashes count for what stands in the markup.
  (!keyword(sources, "'strict-dynamic'") && sources.some((source) => sourceMatches(source, file)))

const permits = (policy: Policy, way: Way, file: URL): boolean => {
  if (sandboxed(policy)) return false
  const sources = sourcesOf(policy)
  if (sources === null) return true
  if (way.nonce !== null && sources.some((source) => nonceIn(source) === way.nonce)) return true
  return way.kind === 'inline' ? permitsInline(sources) : permitsFile(sources, file)
}

const noncesIn = (policies: readonly Policy[]): readonly string[] => [
  ...new Set(
    policies
      .flatMap((policy) => sourcesOf(policy) ?? [])
      .flatMap((source) => nonceIn(source) ?? [])
      .filter(isNonce),
  ),
]

/** One nonce is the rule; a policy with hundreds is an attack on whoever tries them all. */
const maxNonces = 4

/**
 * The first way that all policies permit; `null`: none. `watched` are the policies that only report: they are met where
 * that can be, so that no visitor's browser reports what we did. `origin` is the page's.
 */
export const chooseWay = (
  enforced: readonly Policy[],
  watched: readonly Policy[],
  origin: string,
): Way | null => {
  const file = new URL(loader.path, origin)
  const nonces = [null, ...noncesIn([...enforced, ...watched]).slice(0, maxNonces)]
  const ways: readonly Way[] = (['inline', 'external'] as const).flatMap((kind) =>
    nonces.map((nonce) => ({ kind, nonce })),
  )
  const first = (policies: readonly Policy[]): Way | null =>
    ways.find((way) => policies.every((policy) => permits(policy, way, file))) ?? null
  return first([...enforced, ...watched]) ?? first(enforced)
}
