/** Fields that speak of one connection only (RFC 9110 section 7.6.1), and those a `Connection` header may name. */

/**
 * Fields that `Connection` cannot take away: a client that nominates `Cookie` or `Content-Length` would change what the
 * message means, and that is an attack, not a wish (RFC 9110 section 7.6.1 forbids it to the sender).
 */
const vital = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'transfer-encoding',
  'range',
  'cookie',
  'set-cookie',
  'authorization',
  'cache-control',
  'location',
  'date',
  'origin',
  'referer',
  'user-agent',
])

/** What `Connection` nearly always says; nothing to remove beyond what is removed anyway. */
const ordinary = new Set(['keep-alive', 'close', 'upgrade', 'te', ''])

/** The field names, in lower case, that the values of `Connection` nominate for removal; `null` when there are none. */
export const nominatedBy = (connection: string): ReadonlySet<string> | null => {
  let nominated: Set<string> | null = null
  for (const token of connection.toLowerCase().split(',')) {
    const name = token.trim()
    if (ordinary.has(name) || vital.has(name)) continue
    nominated ??= new Set()
    nominated.add(name)
  }
  return nominated
}

/** A raw header array without the nominated fields. */
export const withoutFields = (rawHeaders: readonly string[], names: ReadonlySet<string>): string[] => {
  const kept: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (!names.has(name.toLowerCase())) kept.push(name, rawHeaders[index + 1] ?? '')
  }
  return kept
}
