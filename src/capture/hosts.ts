import { normalHost } from './request-path.ts'

/** Which site a host belongs to: asked by the matcher for its rules and by the proxy for its origin, so that both agree. */
export interface HostIndex<T> {
  /** Of a `Host` header or a name: the exact host, else the longest wildcard, else `*`; `null` is a 421. */
  find(host: string): T | null
}

/** Throws where two entries claim one host. */
export const createHostIndex = <T>(
  entries: readonly { readonly hosts: readonly string[]; readonly value: T }[],
): HostIndex<T> => {
  const names = new Map<string, T>()
  /** By what follows the `*`, its dot included. */
  const suffixes = new Map<string, T>()
  let any: { readonly value: T } | null = null
  for (const { hosts, value } of entries)
    for (const host of hosts) {
      const known =
        host === '*' ? any !== null : host.startsWith('*.') ? suffixes.has(host.slice(1)) : names.has(host)
      if (known) throw new Error(`the host ${host} is claimed twice`)
      if (host === '*') any = { value }
      else if (host.startsWith('*.')) suffixes.set(host.slice(1), value)
      else names.set(host, value)
    }

  /** `*.example.com` is any name below, at any depth, and not `example.com` itself. */
  const bySuffix = (name: string): T | null => {
    for (let dot = name.indexOf('.', 1); dot > 0 && suffixes.size > 0; dot = name.indexOf('.', dot + 1)) {
      const value = suffixes.get(name.slice(dot))
      if (value !== undefined) return value
    }
    return any?.value ?? null
  }

  return {
    find: (host) => {
      // Nearly always the header is the bare name in lower case, and that costs one look.
      const exact = names.get(host)
      if (exact !== undefined) return exact
      const name = normalHost(host)
      return names.get(name) ?? bySuffix(name)
    },
  }
}
